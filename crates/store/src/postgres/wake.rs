//! Waking other processes: `NOTIFY` and `LISTEN`. It shortens waits and nothing more; what is to be done stands in the
//! tables, and whoever does it looks there now and then anyway.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_postgres::AsyncMessage;

use super::connect::Connector;
use super::error::cause;
use super::pool::Pool;
use crate::row::Row;
use crate::sql::Sql;
use crate::{StoreError, value::Value};

/// How long a broken connection rests before the next attempt.
const REST: Duration = Duration::from_secs(1);

/// The channel's name is the schema's: unique in a database.
pub(super) async fn send(connections: &Pool, schema: &'static str) -> Result<(), StoreError> {
    static SQL: Sql = Sql::new("SELECT pg_notify($1, '')");
    fn nothing(_row: &Row<'_>) -> Result<(), StoreError> {
        Ok(())
    }
    connections.query(&SQL, &[Value::from(schema)], nothing).await.map(drop)
}

/// Hears what others send.
pub(crate) struct Wake {
    calls: mpsc::Receiver<()>,
    listener: JoinHandle<()>,
}

impl Wake {
    pub(super) fn new(connector: Arc<Connector>, schema: &'static str) -> Self {
        // One place: calls that nobody has heard yet are one call.
        let (call, calls) = mpsc::channel(1);
        Self { calls, listener: tokio::spawn(listen_for_ever(connector, schema, call)) }
    }

    /// Waits for the next call.
    pub(crate) async fn heard(&mut self) {
        if self.calls.recv().await.is_none() {
            // The listener ends with the process only.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn listen_for_ever(connector: Arc<Connector>, schema: &'static str, call: mpsc::Sender<()>) {
    loop {
        if let Err(error) = listen(&connector, schema, &call).await {
            tracing::debug!(error = cause(&error), "not listening for calls of other processes at the moment");
        }
        sleep(REST).await;
    }
}

async fn listen(
    connector: &Connector,
    schema: &'static str,
    call: &mpsc::Sender<()>,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = connector.config.connect(connector.tls.clone()).await?;
    let hear = async {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(_) = message? {
                // A call that waits to be heard says the same.
                let _ = call.try_send(());
            }
        }
        Ok(())
    };
    let command = format!("LISTEN {schema}");
    let ask = async {
        client.batch_execute(&command).await?;
        // What was missed before is looked for.
        let _ = call.try_send(());
        std::future::pending().await
    };
    tokio::select! {
        ended = hear => ended,
        ended = ask => ended,
    }
}
