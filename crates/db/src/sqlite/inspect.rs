//! Looking at a file without changing it, while a server works with it or while nobody does.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use domain::Timestamp;
use refinery_core::Runner;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::fs::{Access, access};
use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::open::BUSY_TIMEOUT;
use crate::error::UnavailableReason;
use crate::inspection::{Applied, ErrorKind, Problem, Tables};
use crate::location::Schema;

/// Looks at the file; nothing if there is none.
pub(crate) fn look(
    path: &Path,
    subject: &Schema,
    migrations: &Runner,
) -> Result<Option<Tables>, Problem> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(of_system)?,
    };
    if !metadata.is_file() {
        return Err(Problem::new(ErrorKind::NotADatabase, "it is not a file"));
    }
    let is_in_use = File::open(path).and_then(|file| is_in_use(&file)).map_err(of_system)?;
    // SQLite takes an empty file for a database in which nothing is yet, and throws away what may
    // be left beside it.
    if metadata.len() == 0 {
        let tables = blank(path, is_in_use);
        return Ok(Some(Tables {
            applied: Applied::compare(&BTreeMap::new(), migrations),
            ..tables
        }));
    }
    let is_at_rest = !beside(path, "-wal").exists();
    let connection =
        if is_at_rest { open_at_rest(path) } else { open_at_work(path) }.map_err(of_sqlite)?;
    let writable = if is_at_rest { may_write(path) } else { can_write(&connection) };
    read(&connection, subject, migrations, Tables { writable, ..blank(path, is_in_use) })
        .map(Some)
        .map_err(of_sqlite)
}

/// What can be said without reading.
fn blank(path: &Path, is_in_use: bool) -> Tables {
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
    subject: &Schema,
    migrations: &Runner,
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
    let mut run = BTreeMap::new();
    if has("refinery_schema_history")? {
        let history = map("SELECT CAST(version AS TEXT), checksum FROM refinery_schema_history")?;
        run.extend(
            history
                .into_iter()
                .filter_map(|(version, checksum)| Some((version.parse().ok()?, checksum))),
        );
    }
    let settings = if has("deployment_facts")? {
        map("SELECT name, value FROM deployment_facts")?
    } else {
        Vec::new()
    };
    let newest: Option<i64> = if run.is_empty() {
        None
    } else {
        connection.query_row(subject.newest_row, (), |row| row.get(0))?
    };
    Ok(Tables {
        applied: Applied::compare(&run, migrations),
        settings: settings.into_iter().collect(),
        newest_row: newest.map(Timestamp::from_millis),
        ..tables
    })
}

/// Opens a file that nobody has open, or it would have a log beside it. SQLite is told that it does
/// not change, so that it puts nothing beside it either. Should a server start at this very moment,
/// the worst that comes of it is a finding that is wrong.
fn open_at_rest(path: &Path) -> Result<Connection, rusqlite::Error> {
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

/// Opens a file that has a log beside it: a server is at work, or was cut off. The log stays as it
/// is, whoever is the last to close; only its index, `-shm`, may be made anew.
fn open_at_work(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Whether a write gets through: the right to write is taken as any writer takes it, and given back
/// at once.
fn can_write(connection: &Connection) -> Result<(), Problem> {
    connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK").map_err(of_sqlite)
}

/// Whether this account may write the file, and make what belongs beside it. Nobody has it open, so
/// nobody could be in the way.
fn may_write(path: &Path) -> Result<(), Problem> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    access(path, Access::READ_OK | Access::WRITE_OK).map_err(|error| of_system(error.into()))?;
    access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| of_system(error.into()))
}

/// Whether another process has the database open: each holds a lock on the file for as long. This
/// asks for the lock's holder and takes nothing; but when the file is closed again, this process
/// has no locks on it any more.
fn is_in_use(file: &File) -> io::Result<bool> {
    Ok(fcntl_getlk(file, &Flock::from(FlockType::WriteLock))?.is_some())
}

/// The file that SQLite puts beside the database.
fn beside(path: &Path, suffix: &str) -> PathBuf {
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
