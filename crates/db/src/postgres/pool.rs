//! A pool of connections. One task at a time uses a connection.

use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Hook, HookError, Manager, ManagerConfig, Object, RecyclingMethod, Runtime,
    Timeouts,
};
use tokio::time::timeout;
use tokio_postgres::Client;

use super::connect::Connector;
use super::session::{Session, SessionError};
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
        // The driver notices a broken connection. A check by the server would cost a round trip.
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(connector.config.clone(), connector.tls.clone(), config);
        let limits =
            Timeouts { wait: Some(timeout), create: Some(timeout), recycle: Some(timeout) };
        let session = connector.session.clone();
        let begin = Hook::async_fn(move |client: &mut ClientWrapper, _| {
            let session = session.clone();
            Box::pin(async move { begin(&session, client, timeout).await })
        });
        let builder = deadpool_postgres::Pool::builder(manager).max_size(size.max(1));
        let builder = builder.timeouts(limits).runtime(Runtime::Tokio1).post_create(begin);
        let connections = builder.build();
        let connections = connections.map_err(|error| OpenError::Server {
            database: connector.name.clone(),
            cause: error.to_string(),
        })?;
        Ok(Self { connections, timeout })
    }

    /// The time limit of an operation, with the wait for a connection.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A connection.
    pub(super) async fn get(&self) -> Result<PooledConnection, StoreError> {
        Ok(PooledConnection(Some(self.connections.get().await?)))
    }

    /// Runs a query.
    pub(super) async fn query<T>(
        &self,
        sql: &'static Sql,
        parameters: &[Value<'static>],
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.read(sql, &Parameters::<0>::Once(parameters), read).await
    }

    /// Runs a query over rows.
    pub(super) async fn query_each<T, const N: usize>(
        &self,
        sql: &'static Sql,
        rows: &[[Value<'static>; N]],
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.read(sql, &Parameters::Each(rows), read).await
    }

    /// Executes a read. If the connection turns out to be broken, tries once more with another one.
    async fn read<T, const N: usize>(
        &self,
        sql: &'static Sql,
        parameters: &Parameters<'_, N>,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        let attempts = async {
            match self.read_once(sql, parameters, read).await {
                Err(StoreError::Unavailable { reason: UnavailableReason::Unreachable, .. }) => {
                    self.read_once(sql, parameters, read).await
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
        parameters: &Parameters<'_, N>,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        let connection = self.get().await?;
        let client = connection.client()?;
        let answer = match parameters {
            Parameters::Once(values) => statement::query(client, sql, values, read).await,
            Parameters::Each(rows) => statement::query_each(client, sql, rows, read).await,
        };
        if answer.is_ok() {
            connection.return_to_pool();
        }
        answer
    }

    pub(super) fn close(&self) {
        self.connections.close();
    }
}

/// Begins the session of a new connection.
async fn begin(session: &Session, client: &Client, limit: Duration) -> Result<(), HookError> {
    match timeout(limit, session.begin(client)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(SessionError::Postgres(error))) => Err(HookError::Backend(error)),
        Ok(Err(error)) => Err(HookError::message(error.to_string())),
        Err(_elapsed) => Err(HookError::message("the settings were not answered in time")),
    }
}

/// The parameters of a query, or its rows.
enum Parameters<'a, const N: usize> {
    Once(&'a [Value<'static>]),
    Each(&'a [[Value<'static>; N]]),
}

/// A connection of the pool. It is closed when it is dropped, unless it is returned before: a query
/// or a transaction may be unfinished on it.
pub(super) struct PooledConnection(Option<Object>);

impl PooledConnection {
    pub(super) fn client(&self) -> Result<&ClientWrapper, StoreError> {
        self.0.as_deref().ok_or(StoreError::Closed)
    }

    /// Returns the connection to the pool. Nothing is unfinished on it.
    pub(super) fn return_to_pool(mut self) {
        drop(self.0.take());
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}
