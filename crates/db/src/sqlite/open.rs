//! Opens connections, with the settings that make a commit durable.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::key_index::KeyIndex;
use super::migrate;
use crate::migrations::Migrations;
use crate::{OpenError, Value};

/// The number of prepared statements that a connection caches: more than either store has.
const STATEMENT_CACHE: usize = 128;

/// How long a connection waits for a lock of another process, such as a backup or a command of the
/// operator.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// With WAL, reads and writes do not block each other. FULL makes a commit survive a power cut. A
/// log that grew beside another program's long read is cut to 16 MiB when it begins anew, which is
/// four times its usual length.
const SETTINGS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA journal_size_limit = 16777216;
";

/// Opens a connection for the writer. Creates the file if it is missing, and migrates its tables.
pub(super) fn writable(path: &Path, migrations: &Migrations) -> Result<Connection, OpenError> {
    create_private(path)?;
    let mut connection =
        connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    migrate::run(&mut connection, path, migrations)?;
    Ok(connection)
}

/// Creates the file, if it is missing, with access for the operator's account only. SQLite gives
/// the files beside it the same mode.
fn create_private(path: &Path) -> Result<(), OpenError> {
    let created = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    created.map(drop).map_err(|source| OpenError::File { path: path.to_owned(), source })
}

/// Opens a connection for reads.
pub(super) fn readable(path: &Path) -> Result<Connection, OpenError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    let open = || {
        // One thread at a time uses a connection, so SQLite need not lock it.
        let connection =
            Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        if access.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
            connection.execute_batch(SETTINGS)?;
        }
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        // The query planner ignores bound values. Otherwise SQLite plans some joins again each time
        // that values are bound.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(connection)
    };
    open().map_err(|source| OpenError::Database { path: path.to_owned(), source })
}

/// Loads the index of idempotency keys from a query for id, scope and key.
pub(super) fn load_keys(
    connection: &Connection,
    sql: &str,
    keys: &KeyIndex,
) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let (scope, key) = (row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str()?);
        keys.add(keys.hash(&Value::from(scope), key), row.get(0)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_grew_beside_a_long_read_shrinks_after_it() {
        const MEBIBYTE: u64 = 1024 * 1024;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        let length = || std::fs::metadata(folder.path().join("a.sqlite3-wal")).unwrap().len();
        let writer =
            connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)
                .unwrap();
        writer.execute_batch("CREATE TABLE t (a BLOB)").unwrap();
        let write = || writer.execute_batch("INSERT INTO t VALUES (zeroblob(5000000))").unwrap();
        // Given another program that reads for long, beside which the log grows,
        let reader = readable(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM t").unwrap();
        (0..6).for_each(|_| write());
        assert!(length() > 25 * MEBIBYTE, "{}", length());
        // when it ends, and writes go on,
        reader.execute_batch("COMMIT").unwrap();
        (0..3).for_each(|_| write());
        // then the log is short again.
        assert!(length() <= 16 * MEBIBYTE, "{}", length());
    }
}
