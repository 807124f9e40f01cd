//! The tables of one store, on either engine.

use refinery::Runner;

use crate::location::{Location, Place};
use crate::row::{Read, Row};
use crate::sql::Sql;
use crate::unit::{Transaction, Unit};
use crate::value::Value;
use crate::{OpenError, StoreError, WriterMetrics, postgres, sqlite};

/// What brings a store's tables up to date. Both engines' migrations have the same numbers and say the same.
pub(crate) struct Migrations {
    pub(crate) sqlite: Runner,
    pub(crate) postgres: Runner,
}

/// A store's tables. Clones share them.
#[derive(Clone)]
pub(crate) enum Database {
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
        match location {
            Location::Folder(folder) => {
                sqlite::Database::open(&folder.join(place.file), &migrations.sqlite, metrics).map(Self::Sqlite)
            }
            Location::Postgres(options) => {
                postgres::Database::open(options, place.schema, &migrations.postgres, metrics).await.map(Self::Postgres)
            }
        }
    }

    /// Does a write: durable when this returns `Ok`. Dropping the future does not undo it.
    pub(crate) async fn write<U: Unit>(&self, unit: U) -> Result<U::Outcome, StoreError> {
        match self {
            Self::Sqlite(database) => database.write(unit).await,
            Self::Postgres(database) => database.write(unit).await,
        }
    }

    /// Does a read: one query, so that it sees one moment.
    pub(crate) async fn query<T: Send + 'static>(
        &self,
        sql: &'static Sql,
        parameters: Vec<Value<'static>>,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        match self {
            Self::Sqlite(database) => database.query(sql, parameters, read).await,
            Self::Postgres(database) => database.query(sql, parameters, read).await,
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
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        static SQL: Sql = Sql::new("SELECT 1");
        fn nothing(_row: &Row<'_>) -> Result<(), StoreError> {
            Ok(())
        }
        self.query(&SQL, Vec::new(), nothing).await?;
        self.write(Nothing).await
    }

    /// Finishes what is waiting and lets go of the tables. Later writes are refused.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(database) => database.close().await,
            Self::Postgres(database) => database.close().await,
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
