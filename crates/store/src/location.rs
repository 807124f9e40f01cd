use std::fmt;
use std::path::PathBuf;

use crate::PostgresOptions;

/// Where a store keeps its tables (§13).
#[derive(Clone, Debug)]
pub enum Location {
    /// In a file of SQLite's in this folder, which belongs to one server at a time.
    Folder(PathBuf),
    /// In a schema of this PostgreSQL database, which any number of servers can share.
    Postgres(Box<PostgresOptions>),
}

impl Location {
    /// Whether other processes may work on the same tables at the same time.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// What people recognise a store's tables here by: a file, or host, database and schema.
    pub(crate) fn describe(&self, place: Place) -> String {
        match self {
            Self::Folder(folder) => folder.join(place.file).display().to_string(),
            Self::Postgres(options) => format!("{}, schema {}", options.url, place.schema),
        }
    }
}

/// The names under which a store is found at a location.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) file: &'static str,
    pub(crate) schema: &'static str,
}

impl From<PathBuf> for Location {
    fn from(folder: PathBuf) -> Self {
        Self::Folder(folder)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(formatter),
            Self::Postgres(options) => options.url.fmt(formatter),
        }
    }
}
