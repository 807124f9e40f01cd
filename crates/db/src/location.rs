//! Where a store's tables are, and what they are.

use std::fmt;
use std::path::PathBuf;

use refinery_core::Runner;

use crate::PostgresOptions;

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

/// One migration of a store, for both engines.
pub struct Migration {
    /// Number and name, such as `V1__challenges`.
    pub name: &'static str,
    /// The SQL for SQLite.
    pub sqlite: &'static str,
    /// The SQL for PostgreSQL, which describes the same tables.
    pub postgres: &'static str,
}

/// The migrations of these names, from the folders `migrations/sqlite` and `migrations/postgres` of
/// the crate that calls this.
#[macro_export]
macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        &[$($crate::Migration {
            name: $name,
            sqlite: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/", $name, ".sql"
            )),
            postgres: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/migrations/postgres/", $name, ".sql"
            )),
        }),*]
    };
}

impl Schema {
    /// What runs the migrations on SQLite.
    pub(crate) fn sqlite_runner(&self) -> Result<Runner, refinery_core::Error> {
        runner(self.migrations.iter().map(|migration| (migration.name, migration.sqlite)))
    }

    /// What runs the migrations on PostgreSQL.
    pub(crate) fn postgres_runner(&self) -> Result<Runner, refinery_core::Error> {
        runner(self.migrations.iter().map(|migration| (migration.name, migration.postgres)))
    }
}

fn runner<'a>(
    migrations: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Runner, refinery_core::Error> {
    let unapplied = |(name, sql)| refinery_core::Migration::unapplied(name, sql);
    let migrations: Result<Vec<_>, _> = migrations.map(unapplied).collect();
    Ok(Runner::new(&migrations?))
}
