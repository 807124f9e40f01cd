//! PostgreSQL: a schema, a writer that commits in groups, and a pool of connections for reading.

mod connect;
mod error;
pub(crate) mod inspect;
mod migrate;
mod options;
mod pool;
pub(crate) mod statement;
mod tls;
mod turn;
mod url;
mod wake;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use refinery::Runner;

pub(crate) use self::connect::Connector;
pub(crate) use self::error::cause;
pub use self::options::PostgresOptions;
use self::pool::Pool;
pub(crate) use self::turn::Turn;
pub use self::url::{MalformedPostgresUrl, PostgresUrl};
pub(crate) use self::wake::Wake;
use crate::error::Obstacle;
use crate::group::Settled;
use crate::queue::{self, Queue};
use crate::row::Read;
use crate::sql::Sql;
use crate::unit::Unit;
use crate::value::Value;
use crate::{Call, OpenError, StoreError, WriterMetrics};

/// A schema with its writer and readers. Clones share them.
#[derive(Clone)]
pub(crate) struct Database {
    queue: Arc<Queue>,
    readers: Pool,
    patience: Duration,
    for_work: Arc<Connector>,
    for_upkeep: Arc<Connector>,
    schema: &'static str,
}

impl Database {
    /// Connects, makes the schema if it is missing, and brings its tables up to date.
    pub(crate) async fn open(
        options: &PostgresOptions,
        schema: &'static str,
        migrations: &Runner,
        metrics: WriterMetrics,
    ) -> Result<Self, OpenError> {
        let for_upkeep = Arc::new(Connector::for_upkeep(options, schema)?);
        migrate::run(&for_upkeep, schema, migrations).await?;
        let for_work = Arc::new(Connector::for_work(options, schema)?);
        let readers = Pool::new(&for_work, options.readers, options.patience)?;
        let writers = Pool::new(&for_work, writer::SIDE_BY_SIDE, options.patience)?;
        let queue = Queue::start(move |waiting| writer::work(writers, waiting, &metrics))?;
        Ok(Self { queue: Arc::new(queue), readers, patience: options.patience, for_work, for_upkeep, schema })
    }

    /// Does a write. Where the database keeps silent this gives up, and the write is left out if it has not begun by then.
    pub(crate) async fn write<U: Unit>(&self, unit: U) -> Result<U::Outcome, StoreError> {
        match tokio::time::timeout(self.patience, self.queue.write(unit)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(StoreError::unavailable(Obstacle::Slow, "a write was not answered in time")),
        }
    }

    /// Does writes, each as [`Database::write`] would.
    pub(crate) async fn write_all<U: Unit>(&self, units: Vec<U>) -> Vec<Settled<U>> {
        let count = units.len();
        let slow = || StoreError::unavailable(Obstacle::Slow, "writes were not answered in time");
        let written = tokio::time::timeout(self.patience, self.queue.write_all(units)).await;
        written.unwrap_or_else(|_elapsed| queue::all(count, &slow()))
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

    /// Waits for its turn at what only one process may do at a time; nobody else has one until it is dropped.
    pub(crate) async fn turn(&self) -> Result<Turn, OpenError> {
        Turn::take(&self.for_upkeep).await
    }

    /// Says something to all processes on this schema. Best effort: nobody may rely on it.
    pub(crate) async fn call(&self, call: Call) -> Result<(), StoreError> {
        wake::send(&self.readers, self.schema, call).await
    }

    /// Hears [`Database::call`], whoever calls.
    pub(crate) fn woken(&self) -> Wake {
        Wake::new(Arc::clone(&self.for_work), self.schema)
    }

    pub(crate) async fn close(&self) {
        self.readers.close();
        self.queue.close().await;
    }
}
