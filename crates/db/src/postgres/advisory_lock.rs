//! A lock that one process at a time can hold, for the whole schema.

use tokio_postgres::Client;

use super::connect::Connector;
use super::error::cause;
use super::migrate::LOCK;
use crate::OpenError;

/// The lock. The server releases it when the connection is dropped.
pub(crate) struct AdvisoryLock {
    _connection: Client,
}

impl AdvisoryLock {
    pub(super) async fn acquire(connector: &Connector) -> Result<Self, OpenError> {
        let (client, _driver) = connector.connect().await?;
        match client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await {
            Ok(_) => Ok(Self { _connection: client }),
            Err(error) => {
                let database = connector.name.clone();
                Err(OpenError::Server { database, cause: cause(&error) })
            }
        }
    }
}
