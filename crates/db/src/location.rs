//! Where a store's tables are, and what they are.

use std::fmt;
use std::path::PathBuf;

use crate::PostgresOptions;
use crate::migrations::{Migration, MigrationError, Migrations};

/// Where the tables of the stores are (§13).
#[derive(Clone, Debug)]
pub enum Location {
    /// SQLite files in this folder, one for each store. One server at a time can use them.
    Folder(PathBuf),
    /// Schemas of this PostgreSQL database, one for each store. Any number of servers can share
    /// them.
    Postgres(Box<PostgresOptions>),
}

impl Location {
    /// Whether other processes can use the same tables at the same time.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// The display name of a store's tables: a file, or host, database and schema.
    #[must_use]
    pub fn describe(&self, schema: &Schema) -> String {
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

/// A store's tables: their names and migrations. Each store declares one.
pub struct Schema {
    /// The SQLite file in the data directory.
    pub file: &'static str,
    /// The PostgreSQL schema.
    pub postgres: &'static str,
    /// All tables. A table stands behind those that it refers to.
    pub tables: &'static [&'static str],
    /// The tables among `tables` that only triggers write.
    pub derived_tables: &'static [&'static str],
    /// A query for the creation time of the newest row, in milliseconds. It must be fast.
    pub newest_row: &'static str,
    /// A query for id, scope and key of all idempotency records, if SQLite finds them with an index
    /// in memory.
    pub appended_keys: Option<&'static str>,
    /// The migrations, for both engines.
    pub migrations: &'static [Migration],
}

impl Schema {
    /// The migrations for SQLite.
    pub(crate) fn sqlite_migrations(&self) -> Result<Migrations, MigrationError> {
        Migrations::new(self.migrations.iter().map(|it| (it.name, it.sqlite)))
    }

    /// The migrations for PostgreSQL.
    pub(crate) fn postgres_migrations(&self) -> Result<Migrations, MigrationError> {
        Migrations::new(self.migrations.iter().map(|it| (it.name, it.postgres)))
    }
}
