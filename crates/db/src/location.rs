use std::fmt;
use std::path::PathBuf;

use refinery::Runner;

use crate::PostgresOptions;

/// Where a store keeps its tables (§13).
#[derive(Clone, Debug)]
pub enum Location {
    /// In an SQLite file in this folder, which belongs to one server at a time.
    Folder(PathBuf),
    /// In a schema of this PostgreSQL database, which any number of servers can share.
    Postgres(Box<PostgresOptions>),
}

impl Location {
    /// Whether other processes may use the same tables at the same time.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// The name of a store's tables here, for people: a file, or host, database and schema.
    pub(crate) fn describe(&self, schema: &Schema) -> String {
        match self {
            Self::Folder(folder) => folder.join(schema.file).display().to_string(),
            Self::Postgres(options) => format!("{}, schema {}", options.url, schema.postgres),
        }
    }
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

/// A store's tables: what they are called, and how they are made. Each store declares one.
pub struct Schema {
    /// The SQLite file in the data directory.
    pub file: &'static str,
    /// The PostgreSQL schema.
    pub postgres: &'static str,
    /// All tables, those that others refer to first.
    pub tables: &'static [&'static str],
    /// Those of `tables` that only triggers write.
    pub derived_tables: &'static [&'static str],
    /// SQL that finds the creation time of the newest row quickly, in milliseconds.
    pub newest_row: &'static str,
    /// SQL for id, scope and key of all idempotency records, where they are only appended on SQLite
    /// and found by an index in memory.
    pub appended_keys: Option<&'static str>,
    /// What brings the tables up to date.
    pub migrations: fn() -> Migrations,
}

/// A store's migrations. Both engines' have the same numbers and describe the same tables.
pub struct Migrations {
    /// For SQLite.
    pub sqlite: Runner,
    /// For PostgreSQL.
    pub postgres: Runner,
}
