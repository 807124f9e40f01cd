//! Notifications between processes: `NOTIFY` and `LISTEN`.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::AsyncMessage;

use super::connect::Connector;
use super::error::cause;
use super::pool::Pool;
use crate::StoreError;
use crate::channel::{Channel, Pending};
use crate::row::Row;
use crate::sql::Sql;
use crate::value::Value;

/// The pause before a broken connection is opened again.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn send(
    connections: &Pool,
    schema: &'static str,
    channel: Channel,
) -> Result<(), StoreError> {
    static SQL: Sql = Sql::new("SELECT pg_notify($1, '')");
    fn nothing(_row: &Row<'_>) -> Result<(), StoreError> {
        Ok(())
    }
    connections.query(&SQL, &[Value::from(name(schema, channel))], nothing).await.map(drop)
}

/// The channel's name in the database, which begins with the schema's name. Releases that run side
/// by side use the same names, so they must not change.
fn name(schema: &str, channel: Channel) -> String {
    match channel {
        Channel::NewRequest => schema.to_owned(),
        Channel::NewEvents => format!("{schema}_events"),
    }
}

/// Receives the notifications of other processes. Reconnects if the connection breaks.
pub(super) async fn listen(connector: Arc<Connector>, schema: &'static str, local: Arc<Pending>) {
    loop {
        if let Err(error) = listen_once(&connector, schema, &local).await {
            tracing::debug!(
                error = cause(&error),
                "cannot receive notifications of other processes"
            );
        }
        sleep(RECONNECT_PAUSE).await;
    }
}

async fn listen_once(
    connector: &Connector,
    schema: &'static str,
    local: &Pending,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = connector.config.connect(connector.tls.clone()).await?;
    let channels = Channel::ALL.map(|channel| (channel, name(schema, channel)));
    let receive = async {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            let AsyncMessage::Notification(received) = message? else { continue };
            for (channel, _) in channels.iter().filter(|(_, name)| name == received.channel()) {
                local.of(*channel).notify_one();
            }
        }
        Ok(())
    };
    let command: String = channels.iter().map(|(_, name)| format!("LISTEN {name};")).collect();
    let subscribe = async {
        client.batch_execute(&command).await?;
        // Notifications from before this moment are lost, so the tasks poll the tables.
        Channel::ALL.iter().for_each(|channel| local.of(*channel).notify_one());
        std::future::pending().await
    };
    tokio::select! {
        ended = receive => ended,
        ended = subscribe => ended,
    }
}
