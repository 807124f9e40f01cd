//! SQLite: one file, a writer that commits in batches, and connections for reads.

mod appended_records;
pub(crate) mod inspect;
pub(crate) mod key_index;
mod migrate;
mod open;
mod open_files;
mod readers;
pub(crate) mod statement;
pub(crate) mod transaction;
mod writer;

use std::path::Path;
use std::sync::Arc;

pub use self::appended_records::AppendedRecords;
use self::key_index::KeyIndex;
pub(crate) use self::key_index::StagedKeys;
use self::open_files::OpenFiles;
use self::readers::Readers;
use crate::migrations::Migrations;
use crate::queue::Queue;
use crate::row::Read;
use crate::sql::Sql;
use crate::value::Value;
use crate::write::{Write, WriteResult};
use crate::{OpenError, StoreError, WriterMetrics};

/// A database file with its writer and readers. Clones share them.
#[derive(Clone)]
pub(crate) struct Database {
    queue: Arc<Queue>,
    readers: Readers,
    keys: KeyIndex,
    /// The write-ahead log beside the file.
    log: Arc<Path>,
}

impl Database {
    /// Opens the file. Creates it if it is missing, and migrates its tables.
    pub(crate) fn open(
        path: &Path,
        migrations: &Migrations,
        appended_keys: Option<&str>,
        metrics: WriterMetrics,
    ) -> Result<Self, OpenError> {
        let connection = open::writable(path, migrations)?;
        let readers = Readers::open(path)?;
        let keys = KeyIndex::default();
        if let Some(sql) = appended_keys {
            open::load_keys(&connection, sql, &keys)
                .map_err(|source| OpenError::Database { path: path.to_owned(), source })?;
        }
        let files = OpenFiles::of(path)
            .map_err(|source| OpenError::File { path: path.to_owned(), source })?;
        let staged = StagedKeys::new(keys.clone());
        let queue = Queue::start(move |waiting| {
            writer::run(connection, &staged, &files, waiting, &metrics);
        })?;
        let log = inspect::file_beside(path, "-wal").into();
        Ok(Self { queue: Arc::new(queue), readers, keys, log })
    }

    pub(crate) fn waiting_writes(&self) -> usize {
        self.queue.waiting()
    }

    /// The size of the write-ahead log. `None` if it cannot be seen.
    pub(crate) fn log_bytes(&self) -> Option<u64> {
        std::fs::metadata(&self.log).ok().map(|file| file.len())
    }

    /// The index of idempotency keys.
    pub(crate) fn keys(&self) -> &KeyIndex {
        &self.keys
    }

    pub(crate) async fn write<W: Write>(&self, write: W) -> Result<W::Outcome, StoreError> {
        self.queue.write(write).await
    }

    pub(crate) async fn write_all<W: Write>(&self, writes: Vec<W>) -> Vec<WriteResult<W>> {
        self.queue.write_all(writes).await
    }

    pub(crate) async fn query<T: Send + 'static>(
        &self,
        sql: &'static Sql,
        parameters: Vec<Value<'static>>,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.readers
            .read(move |connection| statement::query(connection, sql, &parameters, read))
            .await
    }

    pub(crate) async fn query_each<T: Send + 'static, const N: usize>(
        &self,
        sql: &'static Sql,
        rows: Vec<[Value<'static>; N]>,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.readers
            .read(move |connection| statement::query_each(connection, sql, &rows, read))
            .await
    }

    pub(crate) async fn close(&self) {
        // The last connection to close moves the log into the file. Only the writer's can.
        self.readers.close();
        self.queue.close().await;
    }
}
