use std::path::PathBuf;

/// Why a store did not do what it was asked. What was asked has then not happened, unless the
/// variant says otherwise.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot do it now; later it may. If the connection broke during a commit,
    /// whether the write happened is not known.
    #[error("the database {reason}: {cause}")]
    Unavailable {
        /// What stands in the way: fit for anybody's eyes.
        reason: UnavailableReason,
        /// What the database or its driver says: for the log.
        cause: String,
    },
    /// More writes are waiting than can be done soon.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The store was closed, or stopped between taking the write and answering: whether it happened
    /// is not known.
    #[error("the store is closed")]
    Closed,
    /// A bug, or data that cannot be.
    #[error("the database refused what it should have taken: {0}")]
    Internal(String),
}

/// What keeps a database from doing its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnavailableReason {
    /// There is no connection, or it broke.
    #[error("cannot be reached")]
    Unreachable,
    /// It did not answer in time, or somebody else has locked it for too long.
    #[error("does not answer in time")]
    Slow,
    /// Others were at the same rows at the same time, again and again.
    #[error("is busy with others")]
    Busy,
    /// It takes no writes: a standby, or a file that must not be changed.
    #[error("is read-only")]
    ReadOnly,
    /// It has no room left: disk, memory or connections.
    #[error("has no room left")]
    Full,
}

impl StoreError {
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
    /// The file is no database, or cannot be opened.
    #[error("cannot open the database {}: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file cannot be made.
    #[error("cannot make the database {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The PostgreSQL server cannot be reached, or does not let us in.
    #[error("cannot use the database {database}: {cause}")]
    Server {
        /// Host and name of the database.
        database: String,
        /// What it or its driver says.
        cause: String,
    },
    /// The tables could not be brought up to date.
    #[error("cannot bring the tables of {database} up to date: {source}")]
    Migration {
        /// The file, or host, database and schema.
        database: String,
        /// What went wrong.
        source: Box<refinery_core::Error>,
    },
    /// A newer fieldtest has been here.
    #[error(
        "the tables of {database} were made by a newer fieldtest; start that version, or restore a backup"
    )]
    TooNew {
        /// The file, or host, database and schema.
        database: String,
    },
    /// The writer's thread could not be started.
    #[error("cannot start the writer's thread: {0}")]
    Thread(#[from] std::io::Error),
}
