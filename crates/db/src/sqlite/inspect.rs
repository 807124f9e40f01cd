//! Inspects a file without changing it, whether or not a server uses it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use domain::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::fs::{Access, access};
use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::migrate;
use super::open::BUSY_TIMEOUT;
use crate::error::UnavailableReason;
use crate::inspection::{Applied, ErrorKind, Problem, Tables};
use crate::location::Schema;
use crate::migrations::{History, Migrations};

/// Inspects the file. `None` if it does not exist.
pub(crate) fn inspect(
    path: &Path,
    schema: &Schema,
    migrations: &Migrations,
) -> Result<Option<Tables>, Problem> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(of_system)?,
    };
    if !metadata.is_file() {
        return Err(Problem::new(ErrorKind::NotADatabase, "it is not a file"));
    }
    let is_in_use = File::open(path).and_then(|file| is_in_use(&file)).map_err(of_system)?;
    // For SQLite, an empty file is an empty database, whatever log is left beside it.
    if metadata.len() == 0 {
        let tables = without_reading(path, is_in_use);
        return Ok(Some(Tables {
            applied: Applied::compare(&History::new(), migrations),
            ..tables
        }));
    }
    let has_log = file_beside(path, "-wal").exists();
    let connection =
        if has_log { open_with_log(path) } else { open_immutable(path) }.map_err(of_sqlite)?;
    let writable = if has_log { can_write(&connection) } else { may_write(path) };
    read(&connection, schema, migrations, Tables { writable, ..without_reading(path, is_in_use) })
        .map(Some)
        .map_err(of_sqlite)
}

/// What is found without reading the file.
fn without_reading(path: &Path, is_in_use: bool) -> Tables {
    let writable = may_write(path);
    Tables {
        applied: Applied::default(),
        may_change: writable.is_ok(),
        writable,
        forbidden: Vec::new(),
        settings: BTreeMap::new(),
        clock: None,
        newest_row: None,
        is_in_use,
    }
}

fn read(
    connection: &Connection,
    schema: &Schema,
    migrations: &Migrations,
    tables: Tables,
) -> Result<Tables, rusqlite::Error> {
    let has = |table: &str| {
        let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)";
        connection.query_row(sql, [table], |row| row.get::<_, bool>(0))
    };
    let map = |sql: &str| -> Result<Vec<(String, String)>, rusqlite::Error> {
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    };
    let applied = migrate::history(connection)?;
    let settings = if has("deployment_facts")? {
        map("SELECT name, value FROM deployment_facts")?
    } else {
        Vec::new()
    };
    let newest: Option<i64> = if applied.is_empty() {
        None
    } else {
        connection.query_row(schema.newest_row, (), |row| row.get(0))?
    };
    Ok(Tables {
        applied: Applied::compare(&applied, migrations),
        settings: settings.into_iter().collect(),
        newest_row: newest.map(Timestamp::from_millis),
        ..tables
    })
}

/// Opens a file without a log, which no process has open. SQLite is told that the file is
/// immutable, so that it creates no files beside it. If a server starts at the same moment, the
/// inspection can be wrong, but does no harm.
fn open_immutable(path: &Path) -> Result<Connection, rusqlite::Error> {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        // Writing to a string does not fail.
        let _ = match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                write!(uri, "{}", char::from(*byte))
            }
            other => write!(uri, "%{other:02X}"),
        };
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(uri, flags)
}

/// Opens a file with a log: a server is running, or was killed. The log stays as it is, even if
/// this is the last connection to close. Only its index, `-shm`, may be rebuilt.
fn open_with_log(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Whether a write succeeds: takes the write lock as any writer does, and releases it.
fn can_write(connection: &Connection) -> Result<(), Problem> {
    connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK").map_err(of_sqlite)
}

/// Whether this account has the right to write the file and to create files beside it. No process
/// has the file open, so no lock is in the way.
fn may_write(path: &Path) -> Result<(), Problem> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    access(path, Access::READ_OK | Access::WRITE_OK).map_err(|error| of_system(error.into()))?;
    access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| of_system(error.into()))
}

/// Whether another process has the database open and therefore holds a lock on the file. This asks
/// for the holder and takes no lock. Closing the file releases all locks of this process on it.
fn is_in_use(file: &File) -> io::Result<bool> {
    Ok(fcntl_getlk(file, &Flock::from(FlockType::WriteLock))?.is_some())
}

/// The file with this suffix that SQLite creates beside the database.
pub(super) fn file_beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn of_system(error: io::Error) -> Problem {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
        io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Unavailable(UnavailableReason::ReadOnly),
        _ => ErrorKind::Unavailable(UnavailableReason::Unreachable),
    };
    Problem::new(kind, error)
}

fn of_sqlite(error: rusqlite::Error) -> Problem {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            Problem::new(ErrorKind::NotADatabase, error)
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Problem::new(ErrorKind::Forbidden, error)
        }
        _ => crate::StoreError::from(error).into(),
    }
}
