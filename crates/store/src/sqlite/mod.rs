//! SQLite: one file, one writer that commits in groups, readers beside it.

mod open;
mod readers;
mod row;
mod writer;

use std::path::Path;
use std::sync::Arc;

use refinery::Runner;
use rusqlite::{CachedStatement, Connection, Transaction};

use self::readers::Readers;
pub(crate) use self::row::{RowExt, provider_ids_json};
use self::writer::Writer;
pub use self::writer::WriterMetrics;
use crate::{OpenError, StoreError};

/// How many statements a connection keeps prepared: more than either store has.
const STATEMENT_CACHE: usize = 64;

/// A write as data. Decided by [`Unit::apply`], which is run again if another unit of the same group fails.
pub(crate) trait Unit: Send + 'static {
    /// What became of it.
    type Outcome: Send + 'static;

    /// Decides and writes. A refusal is an outcome, not an error, and has written nothing.
    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Self::Outcome>;
}

/// A database file with its writer and readers. Clones share them.
#[derive(Clone)]
pub(crate) struct Database {
    writer: Arc<Writer>,
    readers: Readers,
}

impl Database {
    /// Opens the file, makes it if it is missing, and brings its tables up to date.
    pub(crate) fn open(path: &Path, migrations: &Runner, metrics: WriterMetrics) -> Result<Self, OpenError> {
        let writer = open::writable(path, migrations)?;
        let readers = Readers::open(path)?;
        Ok(Self { writer: Arc::new(Writer::start(writer, metrics)?), readers })
    }

    /// Does a write: durable when this returns `Ok`. Dropping the future does not undo it.
    pub(crate) async fn write<U: Unit>(&self, unit: U) -> Result<U::Outcome, StoreError> {
        self.writer.write(unit).await
    }

    /// Does a read on one of the readers' connections.
    pub(crate) async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.readers.read(query).await
    }

    /// Whether a read and a write get through.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        self.read(|connection| connection.query_row("SELECT 1", (), |_| Ok(()))).await?;
        self.write(Nothing).await
    }

    /// Finishes what is waiting and closes the file. Later writes are refused.
    pub(crate) async fn close(&self) {
        // The last connection to close moves the log into the file, which a reader's could not.
        self.readers.close();
        self.writer.close().await;
    }
}

/// Writes nothing, but passes through the writer all the same.
struct Nothing;

impl Unit for Nothing {
    type Outcome = ();

    fn apply(&self, _transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        Ok(())
    }
}

/// The statement, prepared once per connection.
///
/// SQLite numbers parameters by where they first appear, not by their names: `$2` before `$1` would swap them without a
/// word. So each statement names them in ascending order.
pub(crate) fn prepare<'connection>(
    connection: &'connection Connection,
    sql: &str,
) -> rusqlite::Result<CachedStatement<'connection>> {
    let statement = connection.prepare_cached(sql)?;
    debug_assert!(
        (1..=statement.parameter_count())
            .all(|index| statement.parameter_name(index).is_none_or(|name| name == format!("${index}"))),
        "parameters out of order in: {sql}"
    );
    Ok(statement)
}
