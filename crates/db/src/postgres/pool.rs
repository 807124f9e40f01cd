//! Connections that are shared, each by one user at a time.

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, RecyclingMethod, Runtime, Timeouts};
use tokio::time::timeout;

use super::connect::Connector;
use super::statement;
use crate::error::UnavailableReason;
use crate::row::Read;
use crate::sql::Sql;
use crate::value::Value;
use crate::{OpenError, StoreError};

/// A pool. Clones share it.
#[derive(Clone)]
pub(super) struct Pool {
    connections: deadpool_postgres::Pool,
    timeout: Duration,
}

impl Pool {
    pub(super) fn new(
        connector: &Connector,
        size: usize,
        timeout: Duration,
    ) -> Result<Self, OpenError> {
        // Whether a connection has broken is noticed without asking the server; asking would cost a
        // round trip each time.
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(connector.config.clone(), connector.tls.clone(), config);
        let limits =
            Timeouts { wait: Some(timeout), create: Some(timeout), recycle: Some(timeout) };
        let builder = deadpool_postgres::Pool::builder(manager).max_size(size.max(1));
        let connections = builder.timeouts(limits).runtime(Runtime::Tokio1).build();
        let connections = connections.map_err(|error| OpenError::Server {
            database: connector.name.clone(),
            cause: error.to_string(),
        })?;
        Ok(Self { connections, timeout })
    }

    /// How long a user of a connection may have to wait in all.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A connection, for as long as the result lives.
    pub(super) async fn get(&self) -> Result<Object, StoreError> {
        Ok(self.connections.get().await?)
    }

    /// Runs a query.
    pub(super) async fn query<T>(
        &self,
        sql: &'static Sql,
        parameters: &[Value<'static>],
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.read(sql, &Given::<0>::Once(parameters), read).await
    }

    /// Runs a query over rows.
    pub(super) async fn query_each<T, const N: usize>(
        &self,
        sql: &'static Sql,
        rows: &[[Value<'static>; N]],
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.read(sql, &Given::Each(rows), read).await
    }

    /// Does a read. A connection that broke while nobody used it is no reason to fail: then another
    /// one is asked.
    async fn read<T, const N: usize>(
        &self,
        sql: &'static Sql,
        given: &Given<'_, N>,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        let attempts = async {
            match self.read_once(sql, given, read).await {
                Err(StoreError::Unavailable { reason: UnavailableReason::Unreachable, .. }) => {
                    self.read_once(sql, given, read).await
                }
                answer => answer,
            }
        };
        let silent = |_elapsed| {
            StoreError::unavailable(UnavailableReason::Slow, "a read was not answered in time")
        };
        timeout(self.timeout, attempts).await.map_err(silent)?
    }

    async fn read_once<T, const N: usize>(
        &self,
        sql: &'static Sql,
        given: &Given<'_, N>,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        // Taken out of the pool for the time being: if this is dropped half way, the connection
        // must not be used again.
        let connection = Borrowed(Some(self.get().await?));
        let answer = match given {
            Given::Once(parameters) => {
                statement::query(connection.client()?, sql, parameters, read).await
            }
            Given::Each(rows) => statement::query_each(connection.client()?, sql, rows, read).await,
        };
        if answer.is_ok() {
            connection.give_back();
        }
        answer
    }

    pub(super) fn close(&self) {
        self.connections.close();
    }
}

/// What a query is given: its parameters, or rows of them.
enum Given<'a, const N: usize> {
    Once(&'a [Value<'static>]),
    Each(&'a [[Value<'static>; N]]),
}

/// A connection that is only given back after it has done its work.
pub(super) struct Borrowed(pub(super) Option<Object>);

impl Borrowed {
    pub(super) fn client(&self) -> Result<&deadpool_postgres::ClientWrapper, StoreError> {
        self.0.as_deref().ok_or(StoreError::Closed)
    }

    pub(super) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}
