//! PostgreSQL: a schema, a writer that commits in batches, and a pool of connections for reads.

mod advisory_lock;
mod connect;
mod error;
pub(crate) mod inspect;
mod migrate;
mod notify;
mod options;
mod pool;
mod script;
mod session;
pub(crate) mod statement;
mod tls;
mod url;
mod writer;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::advisory_lock::AdvisoryLock;
pub(crate) use self::connect::Connector;
pub(crate) use self::error::cause;
pub use self::options::PostgresOptions;
use self::pool::Pool;
pub use self::url::{MalformedPostgresUrl, PostgresUrl};
use crate::channel::{Channel, Pending};
use crate::error::UnavailableReason;
use crate::migrations::Migrations;
use crate::queue::{self, Queue};
use crate::row::Read;
use crate::sql::Sql;
use crate::value::Value;
use crate::write::{Write, WriteResult};
use crate::{OpenError, StoreError, WriterMetrics};

/// A schema with its writer and readers. Clones share them.
#[derive(Clone)]
pub(crate) struct Database {
    queue: Arc<Queue>,
    readers: Pool,
    timeout: Duration,
    for_queries: Arc<Connector>,
    for_migrations: Arc<Connector>,
    schema: &'static str,
}

impl Database {
    /// Connects. Creates the schema if it is missing, and migrates its tables.
    pub(crate) async fn open(
        options: &PostgresOptions,
        schema: &'static str,
        migrations: &Migrations,
        metrics: WriterMetrics,
    ) -> Result<Self, OpenError> {
        let for_migrations = Arc::new(Connector::for_migrations(options, schema)?);
        migrate::run(&for_migrations, schema, migrations).await?;
        let for_queries = Arc::new(Connector::for_queries(options, schema)?);
        let readers = Pool::new(&for_queries, options.readers, options.timeout)?;
        let for_writes = Connector::for_writes(options, schema)?;
        let writers = Pool::new(&for_writes, writer::CONCURRENT_TRANSACTIONS, options.timeout)?;
        let queue = Queue::start(move |waiting| writer::run(writers, waiting, &metrics))?;
        Ok(Self {
            queue: Arc::new(queue),
            readers,
            timeout: options.timeout,
            for_queries,
            for_migrations,
            schema,
        })
    }

    pub(crate) fn waiting_writes(&self) -> usize {
        self.queue.waiting()
    }

    /// Executes a write. Gives up after the timeout; the write is then skipped if it has not begun.
    pub(crate) async fn write<W: Write>(&self, write: W) -> Result<W::Outcome, StoreError> {
        match tokio::time::timeout(self.timeout, self.queue.write(write)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(StoreError::unavailable(
                UnavailableReason::Slow,
                "a write was not answered in time",
            )),
        }
    }

    /// Executes several writes, each as [`Database::write`] does.
    pub(crate) async fn write_all<W: Write>(&self, writes: Vec<W>) -> Vec<WriteResult<W>> {
        let count = writes.len();
        let slow =
            || StoreError::unavailable(UnavailableReason::Slow, "writes were not answered in time");
        let written = tokio::time::timeout(self.timeout, self.queue.write_all(writes)).await;
        written.unwrap_or_else(|_elapsed| queue::all_failed(count, &slow()))
    }

    pub(crate) async fn query<T>(
        &self,
        sql: &'static Sql,
        parameters: Vec<Value<'static>>,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.readers.query(sql, &parameters, read).await
    }

    pub(crate) async fn query_each<T, const N: usize>(
        &self,
        sql: &'static Sql,
        rows: Vec<[Value<'static>; N]>,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.readers.query_each(sql, &rows, read).await
    }

    /// Waits for the schema's advisory lock.
    pub(crate) async fn advisory_lock(&self) -> Result<AdvisoryLock, OpenError> {
        AdvisoryLock::acquire(&self.for_migrations).await
    }

    /// Notifies all processes on this schema.
    pub(crate) async fn notify(&self, channel: Channel) -> Result<(), StoreError> {
        notify::send(&self.readers, self.schema, channel).await
    }

    /// Receives the notifications of all processes on this schema. Never ends.
    pub(crate) async fn listen(&self, local: Arc<Pending>) {
        notify::listen(Arc::clone(&self.for_queries), self.schema, local).await;
    }

    pub(crate) async fn close(&self) {
        self.readers.close();
        self.queue.close().await;
    }
}
