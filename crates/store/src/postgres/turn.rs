//! What only one process may do at a time, however many start together.

use tokio_postgres::Client;

use super::connect::Connector;
use super::error::cause;
use super::migrate::LOCK;
use crate::OpenError;

/// The turn of this process, until it is dropped.
pub(crate) struct Turn {
    _connection: Client,
}

impl Turn {
    pub(super) async fn take(connector: &Connector) -> Result<Self, OpenError> {
        let (client, _driver) = connector.connect().await?;
        let taken = client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await;
        match taken {
            // The lock goes with the connection.
            Ok(_) => Ok(Self { _connection: client }),
            Err(error) => Err(OpenError::Server { database: connector.name.clone(), cause: cause(&error) }),
        }
    }
}
