use crate::location::{Location, Schema};
use crate::notify::Notifications;
use crate::row::{Read, Row};
use crate::sql::Sql;
use crate::value::Value;
use crate::write::{Transaction, Write, WriteResult};
use crate::{
    OpenError, RecordDeploymentSetting, StoreError, WriterMetrics, deployment_settings, postgres,
    sqlite,
};

/// The tables of one store, on whichever engine. Clones share them.
#[derive(Clone)]
pub struct Database {
    name: String,
    engine: Engine,
    notifications: Notifications,
}

#[derive(Clone)]
pub(crate) enum Engine {
    Sqlite(sqlite::Database),
    Postgres(postgres::Database),
}

impl Database {
    /// Opens the tables, makes them if they are missing, and brings them up to date.
    ///
    /// # Errors
    /// When the database cannot be opened, is no database, or was made by a newer fieldtest.
    pub async fn open(
        location: &Location,
        schema: &Schema,
        metrics: WriterMetrics,
    ) -> Result<Self, OpenError> {
        let name = location.describe(schema);
        let broken =
            |source| OpenError::Migration { database: name.clone(), source: Box::new(source) };
        let engine = match location {
            Location::Folder(folder) => Engine::Sqlite(sqlite::Database::open(
                &folder.join(schema.file),
                &schema.sqlite_runner().map_err(broken)?,
                schema.appended_keys,
                metrics,
            )?),
            Location::Postgres(options) => Engine::Postgres({
                let migrations = schema.postgres_runner().map_err(broken)?;
                postgres::Database::open(options, schema.postgres, &migrations, metrics).await?
            }),
        };
        Ok(Self { name, engine, notifications: Notifications::default() })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn notifications(&self) -> &Notifications {
        &self.notifications
    }

    /// What people recognise the tables by: a file, or host, database and schema.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Does a write: durable when this returns `Ok`. Dropping the future does not undo it.
    pub async fn write<W: Write>(&self, write: W) -> Result<W::Outcome, StoreError> {
        match &self.engine {
            Engine::Sqlite(database) => database.write(write).await,
            Engine::Postgres(database) => database.write(write).await,
        }
    }

    /// Does writes that come from one place, as [`Database::write`] does one: each succeeds or
    /// fails by itself.
    pub async fn write_all<W: Write>(&self, writes: Vec<W>) -> Vec<WriteResult<W>> {
        match &self.engine {
            _ if writes.is_empty() => Vec::new(),
            Engine::Sqlite(database) => database.write_all(writes).await,
            Engine::Postgres(database) => database.write_all(writes).await,
        }
    }

    /// Does a read: one query, so that it sees one moment.
    pub async fn query<T: Send + 'static>(
        &self,
        sql: &'static Sql,
        parameters: Vec<Value<'static>>,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        match &self.engine {
            Engine::Sqlite(database) => database.query(sql, parameters, read).await,
            Engine::Postgres(database) => database.query(sql, parameters, read).await,
        }
    }

    /// Does a read over rows: what it finds for all of them, in no order. On SQLite each row sees
    /// its own moment.
    pub async fn query_each<T: Send + 'static, const N: usize>(
        &self,
        sql: &'static Sql,
        rows: Vec<[Value<'static>; N]>,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        match &self.engine {
            _ if rows.is_empty() => Ok(Vec::new()),
            Engine::Sqlite(database) => database.query_each(sql, rows, read).await,
            Engine::Postgres(database) => database.query_each(sql, rows, read).await,
        }
    }

    /// Does a read that finds one row or none.
    pub async fn find<T: Send + 'static>(
        &self,
        sql: &'static Sql,
        parameters: Vec<Value<'static>>,
        read: Read<T>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.query(sql, parameters, read).await?.pop())
    }

    /// Whether a read and a write get through.
    ///
    /// # Errors
    /// When one does not.
    pub async fn check(&self) -> Result<(), StoreError> {
        static SQL: Sql = Sql::new("SELECT 1");
        fn nothing(_row: &Row<'_>) -> Result<(), StoreError> {
            Ok(())
        }
        self.query(&SQL, Vec::new(), nothing).await?;
        self.write(Nothing).await
    }

    /// The deployment setting of this name, if one is recorded.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn deployment_setting(
        &self,
        name: &'static str,
    ) -> Result<Option<String>, StoreError> {
        deployment_settings::find(self, name).await
    }

    /// Records a deployment setting, unless it is recorded already; the value that holds.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn record_deployment_setting(
        &self,
        setting: RecordDeploymentSetting,
    ) -> Result<String, StoreError> {
        self.write(setting).await
    }

    /// Waits for the lock that one process at a time can hold, for work that must not be done
    /// twice, such as creating the first rows.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn advisory_lock(&self) -> Result<AdvisoryLock, OpenError> {
        let lock = match &self.engine {
            Engine::Sqlite(_) => None,
            Engine::Postgres(database) => Some(database.advisory_lock().await?),
        };
        Ok(AdvisoryLock { _lock: lock })
    }

    /// Finishes what is waiting and lets go of the tables. Later writes are refused.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(database) => database.close().await,
            Engine::Postgres(database) => database.close().await,
        }
    }
}

/// A lock that one process at a time can hold, until it is dropped. An SQLite file belongs to one
/// process anyway.
pub struct AdvisoryLock {
    _lock: Option<postgres::AdvisoryLock>,
}

/// Writes nothing, but needs the right and the room to write.
struct Nothing;

impl Write for Nothing {
    type Outcome = ();

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<()>, StoreError> {
        // No fact has such a name. A database that takes no writes refuses even that.
        static SQL: Sql = Sql::new("DELETE FROM deployment_facts WHERE name = ''");
        transaction.execute(&SQL, &[]).await?;
        Ok(vec![(); writes.len()])
    }
}
