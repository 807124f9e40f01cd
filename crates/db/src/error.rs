//! The errors of a store.

use std::path::PathBuf;

/// Why a read or a write failed. A write that failed has not happened, unless the variant says
/// otherwise.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot do it now. A later attempt can succeed. If the connection broke during a
    /// commit, the write may have happened.
    #[error("the database {reason}: {cause}")]
    Unavailable {
        /// The reason, without details: it may be shown to API clients.
        reason: UnavailableReason,
        /// The message of the database or its driver, for the log.
        cause: String,
    },
    /// The queue of writes is full.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The store was closed. A write that was in the queue may have happened.
    #[error("the store is closed")]
    Closed,
    /// A bug, or invalid data in a table.
    #[error("the database failed unexpectedly: {0}")]
    Internal(String),
}

/// Why a database is unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnavailableReason {
    /// There is no connection, or it broke.
    #[error("cannot be reached")]
    Unreachable,
    /// It did not answer in time, or another process has locked it for too long.
    #[error("does not answer in time")]
    Slow,
    /// Each attempt conflicted with transactions on the same rows.
    #[error("is busy with others")]
    Busy,
    /// It takes no writes: it is a standby, or a read-only file.
    #[error("is read-only")]
    ReadOnly,
    /// It has no disk space, memory or connections left.
    #[error("has no room left")]
    Full,
}

impl StoreError {
    /// The database is unavailable, for this reason and with this message for the log.
    pub fn unavailable(reason: UnavailableReason, cause: impl ToString) -> Self {
        Self::Unavailable { reason, cause: cause.to_string() }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let reason = match error.sqlite_error_code() {
            Some(Code::CannotOpen | Code::SystemIoFailure | Code::FileLockingProtocolFailed) => {
                UnavailableReason::Unreachable
            }
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => UnavailableReason::Slow,
            Some(Code::ReadOnly | Code::PermissionDenied) => UnavailableReason::ReadOnly,
            Some(Code::DiskFull | Code::OutOfMemory) => UnavailableReason::Full,
            _ => return Self::Internal(error.to_string()),
        };
        Self::unavailable(reason, error)
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is not a database, or cannot be opened.
    #[error("cannot open the database {}: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// The file cannot be created.
    #[error("cannot create the database {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The PostgreSQL server cannot be reached, or refuses the connection.
    #[error("cannot use the database {database}: {cause}")]
    Server {
        /// Host and name of the database.
        database: String,
        /// The message of the server or its driver.
        cause: String,
    },
    /// A migration failed.
    #[error("cannot migrate the tables of {database}: {cause}")]
    Migration {
        /// The file, or host, database and schema.
        database: String,
        /// Which migration failed, and the words of the database.
        cause: String,
    },
    /// A newer fieldtest has migrated the tables.
    #[error(
        "the tables of {database} were made by a newer fieldtest; start that version, or restore a \
         backup"
    )]
    TooNew {
        /// The file, or host, database and schema.
        database: String,
    },
    /// The writer's thread could not be started.
    #[error("cannot start the writer's thread: {0}")]
    Thread(#[from] std::io::Error),
}
