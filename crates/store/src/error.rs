use std::path::PathBuf;

/// Why a store did not do what it was asked. What was asked has then not happened, unless the variant says otherwise.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, is locked by somebody else, or its disk is full: later it may work.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// More writes are waiting than can be done soon.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The store was closed, or stopped between taking the write and answering: whether it happened is not known.
    #[error("the store is closed")]
    Closed,
    /// A bug, or data that cannot be.
    #[error("the database refused what it should have taken: {0}")]
    Internal(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, FileLockingProtocolFailed, OutOfMemory,
            PermissionDenied, ReadOnly, SystemIoFailure,
        };
        match error.sqlite_error_code() {
            Some(
                CannotOpen
                | DatabaseBusy
                | DatabaseLocked
                | DiskFull
                | FileLockingProtocolFailed
                | OutOfMemory
                | PermissionDenied
                | ReadOnly
                | SystemIoFailure,
            ) => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
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
    /// The tables could not be brought up to date.
    #[error("cannot bring the tables of {} up to date: {source}", path.display())]
    Migration {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: Box<refinery::Error>,
    },
    /// A newer fieldtest has been here.
    #[error("the tables of {} were made by a newer fieldtest; start that version, or restore a backup", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
    },
    /// The writer's thread could not be started.
    #[error("cannot start the writer's thread: {0}")]
    Thread(#[from] std::io::Error),
}
