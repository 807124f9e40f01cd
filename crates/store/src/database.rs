use refinery::Runner;

use crate::group::Settled;
use crate::location::{Location, Place};
use crate::row::{Read, Row};
use crate::sql::Sql;
use crate::unit::{Transaction, Unit};
use crate::value::Value;
use crate::{AgreeOnFact, OpenError, StoreError, Turn, WriterMetrics, facts, postgres, sqlite};

/// What brings a store's tables up to date. Both engines' migrations have the same numbers and say the same.
pub(crate) struct Migrations {
    pub(crate) sqlite: Runner,
    pub(crate) postgres: Runner,
}

/// The tables of one store, on whichever engine: what both stores can do with theirs. Clones share them.
#[derive(Clone)]
pub struct Database {
    name: String,
    engine: Engine,
}

#[derive(Clone)]
pub(crate) enum Engine {
    Sqlite(sqlite::Database),
    Postgres(postgres::Database),
}

impl Database {
    /// Opens the tables, makes them if they are missing, and brings them up to date.
    pub(crate) async fn open(
        location: &Location,
        place: Place,
        migrations: Migrations,
        metrics: WriterMetrics,
    ) -> Result<Self, OpenError> {
        let engine = match location {
            Location::Folder(folder) => {
                Engine::Sqlite(sqlite::Database::open(&folder.join(place.file), &migrations.sqlite, metrics)?)
            }
            Location::Postgres(options) => {
                Engine::Postgres(postgres::Database::open(options, place.schema, &migrations.postgres, metrics).await?)
            }
        };
        Ok(Self { name: location.describe(place), engine })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What people recognise the tables by: a file, or host, database and schema.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Does a write: durable when this returns `Ok`. Dropping the future does not undo it.
    pub(crate) async fn write<U: Unit>(&self, unit: U) -> Result<U::Outcome, StoreError> {
        match &self.engine {
            Engine::Sqlite(database) => database.write(unit).await,
            Engine::Postgres(database) => database.write(unit).await,
        }
    }

    /// Does writes that come from one place, as [`Database::write`] does one: each succeeds or fails by itself.
    pub(crate) async fn write_all<U: Unit>(&self, units: Vec<U>) -> Vec<Settled<U>> {
        match &self.engine {
            _ if units.is_empty() => Vec::new(),
            Engine::Sqlite(database) => database.write_all(units).await,
            Engine::Postgres(database) => database.write_all(units).await,
        }
    }

    /// Does a read: one query, so that it sees one moment.
    pub(crate) async fn query<T: Send + 'static>(
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

    /// Does a read over rows: what it finds for all of them, in no order. On SQLite each row sees its own moment.
    pub(crate) async fn query_each<T: Send + 'static, const N: usize>(
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
    pub(crate) async fn find<T: Send + 'static>(
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

    /// What has been agreed on under this name, if anything has.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn fact(&self, name: &'static str) -> Result<Option<String>, StoreError> {
        facts::find(self, name).await
    }

    /// Agrees with all other processes on a fact; what holds is what was said first.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn agree(&self, unit: AgreeOnFact) -> Result<String, StoreError> {
        self.write(unit).await
    }

    /// Waits for this process's turn at what only one may do at a time, such as making the first rows.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn turn(&self) -> Result<Turn, OpenError> {
        Turn::at(self).await
    }

    /// Finishes what is waiting and lets go of the tables. Later writes are refused.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(database) => database.close().await,
            Engine::Postgres(database) => database.close().await,
        }
    }
}

/// Writes nothing, but needs the right and the room to write.
struct Nothing;

impl Unit for Nothing {
    type Outcome = ();

    async fn decide(units: &[Self], transaction: &Transaction<'_>) -> Result<Vec<()>, StoreError> {
        // No fact has such a name. A database that takes no writes refuses even that.
        static SQL: Sql = Sql::new("DELETE FROM deployment_facts WHERE name = ''");
        transaction.execute(&SQL, &[]).await?;
        Ok(vec![(); units.len()])
    }
}
