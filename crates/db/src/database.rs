//! The tables of a store, on either engine.

use crate::channel::Notifications;
use crate::location::{Location, Schema};
use crate::migrations::MigrationError;
use crate::outage::Outage;
use crate::row::{Read, Row};
use crate::sql::Sql;
use crate::transaction::Transaction;
use crate::value::Value;
use crate::write::{Write, WriteResult};
use crate::{OpenError, StoreError, WriterMetrics, postgres, queue, sqlite};

/// The tables of one store, on either engine. Clones share them.
#[derive(Clone)]
pub struct Database {
    name: String,
    engine: Engine,
    notifications: Notifications,
    reads: Outage,
    writes: Outage,
}

#[derive(Clone)]
pub(crate) enum Engine {
    Sqlite(sqlite::Database),
    Postgres(postgres::Database),
}

impl Database {
    /// How many entries can wait for the writer. Further ones are refused.
    pub const MOST_WAITING: usize = queue::LENGTH;

    /// Opens the tables. Creates them if they are missing, and migrates them.
    ///
    /// # Errors
    /// If the database cannot be opened, is not a database, or was migrated by a newer fieldtest.
    pub async fn open(
        location: &Location,
        schema: &Schema,
        metrics: WriterMetrics,
    ) -> Result<Self, OpenError> {
        let name = location.describe(schema);
        let invalid = |error: MigrationError| OpenError::Migration {
            database: name.clone(),
            cause: error.to_string(),
        };
        let engine = match location {
            Location::Folder(folder) => Engine::Sqlite(sqlite::Database::open(
                &folder.join(schema.file),
                &schema.sqlite_migrations().map_err(invalid)?,
                schema.appended_keys,
                metrics,
            )?),
            Location::Postgres(options) => {
                let migrations = schema.postgres_migrations().map_err(invalid)?;
                let database =
                    postgres::Database::open(options, schema.postgres, &migrations, metrics);
                Engine::Postgres(database.await?)
            }
        };
        let notifications = Notifications::default();
        let (reads, writes) = (Outage::default(), Outage::default());
        Ok(Self { name, engine, notifications, reads, writes })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn notifications(&self) -> &Notifications {
        &self.notifications
    }

    /// The display name of the tables: a file, or host, database and schema.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Executes a write. It is durable when this returns `Ok`. Dropping the future does not undo
    /// it.
    ///
    /// # Errors
    /// If the database fails, the queue is full, or the store is closed.
    pub async fn write<W: Write>(&self, write: W) -> Result<W::Outcome, StoreError> {
        let result = match &self.engine {
            Engine::Sqlite(database) => database.write(write).await,
            Engine::Postgres(database) => database.write(write).await,
        };
        self.writes.note(&self.name, &result);
        result
    }

    /// Executes several writes as [`Database::write`] executes one. Each succeeds or fails alone.
    /// The results are in the order of the writes.
    pub async fn write_all<W: Write>(&self, writes: Vec<W>) -> Vec<WriteResult<W>> {
        let results = match &self.engine {
            _ if writes.is_empty() => Vec::new(),
            Engine::Sqlite(database) => database.write_all(writes).await,
            Engine::Postgres(database) => database.write_all(writes).await,
        };
        results.iter().for_each(|result| self.writes.note(&self.name, result));
        results
    }

    /// Executes a read: one query, which sees what was committed when it began.
    ///
    /// # Errors
    /// If the database fails, or the store is closed.
    pub async fn query<T: Send + 'static>(
        &self,
        sql: &'static Sql,
        parameters: Vec<Value<'static>>,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        let result = match &self.engine {
            Engine::Sqlite(database) => database.query(sql, parameters, read).await,
            Engine::Postgres(database) => database.query(sql, parameters, read).await,
        };
        self.reads.note(&self.name, &result);
        result
    }

    /// Executes a read over rows. Returns what it finds for all of them, in no order. On SQLite,
    /// which runs the query for each row, other writes can be committed between two rows.
    ///
    /// # Errors
    /// If the database fails, or the store is closed.
    pub async fn query_each<T: Send + 'static, const N: usize>(
        &self,
        sql: &'static Sql,
        rows: Vec<[Value<'static>; N]>,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        let result = match &self.engine {
            _ if rows.is_empty() => return Ok(Vec::new()),
            Engine::Sqlite(database) => database.query_each(sql, rows, read).await,
            Engine::Postgres(database) => database.query_each(sql, rows, read).await,
        };
        self.reads.note(&self.name, &result);
        result
    }

    /// Executes a read that finds one row or none.
    ///
    /// # Errors
    /// If the database fails, or the store is closed.
    pub async fn find<T: Send + 'static>(
        &self,
        sql: &'static Sql,
        parameters: Vec<Value<'static>>,
        read: Read<T>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.query(sql, parameters, read).await?.pop())
    }

    /// Checks that a read and a write succeed. The write changes the row `probes` of the deployment
    /// settings, and is durable.
    ///
    /// # Errors
    /// If one of them fails.
    pub async fn check(&self) -> Result<(), StoreError> {
        static SQL: Sql = Sql::new("SELECT 1");
        fn nothing(_row: &Row<'_>) -> Result<(), StoreError> {
            Ok(())
        }
        self.query(&SQL, Vec::new(), nothing).await?;
        self.write(Probe).await
    }

    /// How many entries wait for the writer, at most [`Database::MOST_WAITING`]. Each is one write,
    /// or several that were given together.
    #[must_use]
    pub fn waiting_writes(&self) -> usize {
        match &self.engine {
            Engine::Sqlite(database) => database.waiting_writes(),
            Engine::Postgres(database) => database.waiting_writes(),
        }
    }

    /// The size of SQLite's write-ahead log. `None` on PostgreSQL, or if the log cannot be seen.
    #[must_use]
    pub fn log_bytes(&self) -> Option<u64> {
        match &self.engine {
            Engine::Sqlite(database) => database.log_bytes(),
            Engine::Postgres(_) => None,
        }
    }

    /// Waits for a lock that one process at a time can hold. It guards work that must not be done
    /// twice, such as creating the first rows.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn advisory_lock(&self) -> Result<AdvisoryLock, OpenError> {
        let lock = match &self.engine {
            Engine::Sqlite(_) => None,
            Engine::Postgres(database) => Some(database.advisory_lock().await?),
        };
        Ok(AdvisoryLock { _lock: lock })
    }

    /// Refuses further writes, commits those in the queue, and closes the connections.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(database) => database.close().await,
            Engine::Postgres(database) => database.close().await,
        }
    }
}

/// A lock that one process at a time can hold, until it is dropped. On SQLite it locks nothing,
/// because one process owns the file.
pub struct AdvisoryLock {
    _lock: Option<postgres::AdvisoryLock>,
}

/// A write that changes one small row. It succeeds if the database takes writes and keeps them: on
/// a full disk, or without the synchronous standby, a write that changes nothing succeeds as well.
struct Probe;

impl Write for Probe {
    type Outcome = ();

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<()>, StoreError> {
        static SQL: Sql = Sql::new(
            "INSERT INTO deployment_facts (name, value) VALUES ('probes', '1')
            ON CONFLICT (name) DO UPDATE
            SET value = CAST(CAST(deployment_facts.value AS BIGINT) + 1 AS TEXT)",
        );
        transaction.execute(&SQL, &[]).await?;
        Ok(vec![(); writes.len()])
    }
}
