//! The transaction in which an engine applies writes.

use std::collections::HashSet;
use std::hash::Hash;

use crate::StoreError;
use crate::postgres::statement as postgres;
use crate::row::Read;
use crate::sql::Sql;
use crate::sqlite::statement as sqlite;
use crate::sqlite::transaction::SqliteTransaction;
use crate::value::Value;

/// A transaction of either engine. On SQLite its operations never wait.
pub struct Transaction<'a>(pub(crate) EngineTransaction<'a>);

pub(crate) enum EngineTransaction<'a> {
    Sqlite(SqliteTransaction<'a>),
    Postgres(&'a deadpool_postgres::ClientWrapper),
}

impl Transaction<'_> {
    /// Runs a statement. Returns the number of rows that it changed.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn execute(
        &self,
        sql: &'static Sql,
        parameters: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        match &self.0 {
            EngineTransaction::Sqlite(SqliteTransaction { connection, .. }) => {
                sqlite::execute(connection, sql, parameters)
            }
            EngineTransaction::Postgres(client) => postgres::execute(client, sql, parameters).await,
        }
    }

    /// Runs a query. Returns its rows.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn query<T>(
        &self,
        sql: &'static Sql,
        parameters: &[Value<'_>],
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        match &self.0 {
            EngineTransaction::Sqlite(SqliteTransaction { connection, .. }) => {
                sqlite::query(connection, sql, parameters, read)
            }
            EngineTransaction::Postgres(client) => {
                postgres::query(client, sql, parameters, read).await
            }
        }
    }

    /// Runs a statement over rows. Returns the number of rows that it changed. Does nothing without
    /// rows.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn execute_each<const N: usize>(
        &self,
        sql: &'static Sql,
        rows: &[[Value<'_>; N]],
    ) -> Result<u64, StoreError> {
        match &self.0 {
            _ if rows.is_empty() => Ok(0),
            EngineTransaction::Sqlite(SqliteTransaction { connection, .. }) => {
                let changed = sqlite::execute_each(connection, sql, rows)?;
                // A table has fewer rows than fit 64 bits.
                Ok(u64::try_from(changed.into_iter().sum::<usize>()).unwrap_or(u64::MAX))
            }
            EngineTransaction::Postgres(client) => postgres::execute_each(client, sql, rows).await,
        }
    }

    /// Runs a statement over rows that have these `ids`, in the same order. Returns the ids of the
    /// rows that changed something: on PostgreSQL the statement returns them, and `read` reads
    /// them.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn change_each<T: Eq + Hash, const N: usize>(
        &self,
        sql: &'static Sql,
        rows: &[[Value<'_>; N]],
        ids: impl IntoIterator<Item = T>,
        read: Read<T>,
    ) -> Result<HashSet<T>, StoreError> {
        match &self.0 {
            _ if rows.is_empty() => Ok(HashSet::new()),
            EngineTransaction::Sqlite(SqliteTransaction { connection, .. }) => {
                let changed = sqlite::execute_each(connection, sql, rows)?;
                Ok(ids
                    .into_iter()
                    .zip(changed)
                    .filter(|(_, changed)| *changed > 0)
                    .map(|(id, _)| id)
                    .collect())
            }
            EngineTransaction::Postgres(client) => {
                Ok(postgres::query_each(client, sql, rows, read).await?.into_iter().collect())
            }
        }
    }

    /// Runs a query over rows. Returns what it finds for all of them, in no order.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn query_each<T, const N: usize>(
        &self,
        sql: &'static Sql,
        rows: &[[Value<'_>; N]],
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        match &self.0 {
            _ if rows.is_empty() => Ok(Vec::new()),
            EngineTransaction::Sqlite(SqliteTransaction { connection, .. }) => {
                sqlite::query_each(connection, sql, rows, read)
            }
            EngineTransaction::Postgres(client) => {
                postgres::query_each(client, sql, rows, read).await
            }
        }
    }
}
