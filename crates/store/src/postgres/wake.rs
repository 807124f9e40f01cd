//! Waking other processes: `NOTIFY` and `LISTEN`. It shortens waits and nothing more; what is to be done stands in the
//! tables, and whoever does it looks there now and then anyway.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_postgres::AsyncMessage;

use super::connect::Connector;
use super::error::cause;
use super::pool::Pool;
use crate::row::Row;
use crate::sql::Sql;
use crate::value::Value;
use crate::{Call, StoreError};

/// How long a broken connection rests before the next attempt.
const REST: Duration = Duration::from_secs(1);

pub(super) async fn send(connections: &Pool, schema: &'static str, call: Call) -> Result<(), StoreError> {
    static SQL: Sql = Sql::new("SELECT pg_notify($1, '')");
    fn nothing(_row: &Row<'_>) -> Result<(), StoreError> {
        Ok(())
    }
    connections.query(&SQL, &[Value::from(channel(schema, call))], nothing).await.map(drop)
}

/// Made of the schema's name, which is unique in a database. That of new requests is just that, and stays so: releases side by
/// side hear each other.
fn channel(schema: &str, call: Call) -> String {
    match call {
        Call::NewRequest => schema.to_owned(),
        Call::NewEvents => format!("{schema}_events"),
    }
}

/// What was called and is yet to be heard: of each kind one call, because another one would say the same.
#[derive(Default)]
struct Calls {
    new_request: Notify,
    new_events: Notify,
}

impl Calls {
    const ALL: [Call; 2] = [Call::NewRequest, Call::NewEvents];

    fn of(&self, call: Call) -> &Notify {
        match call {
            Call::NewRequest => &self.new_request,
            Call::NewEvents => &self.new_events,
        }
    }
}

/// Hears what others send.
pub(crate) struct Wake {
    calls: Arc<Calls>,
    listener: JoinHandle<()>,
}

impl Wake {
    pub(super) fn new(connector: Arc<Connector>, schema: &'static str) -> Self {
        let calls = Arc::<Calls>::default();
        let listener = tokio::spawn(listen_for_ever(connector, schema, Arc::clone(&calls)));
        Self { calls, listener }
    }

    /// Waits for the next call of this kind.
    pub(crate) async fn heard(&self, call: Call) {
        self.calls.of(call).notified().await;
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn listen_for_ever(connector: Arc<Connector>, schema: &'static str, calls: Arc<Calls>) {
    loop {
        if let Err(error) = listen(&connector, schema, &calls).await {
            tracing::debug!(error = cause(&error), "not listening for calls of other processes at the moment");
        }
        sleep(REST).await;
    }
}

async fn listen(connector: &Connector, schema: &'static str, calls: &Calls) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = connector.config.connect(connector.tls.clone()).await?;
    let channels = Calls::ALL.map(|call| (call, channel(schema, call)));
    let hear = async {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            let AsyncMessage::Notification(heard) = message? else { continue };
            for (call, _) in channels.iter().filter(|(_, channel)| channel == heard.channel()) {
                calls.of(*call).notify_one();
            }
        }
        Ok(())
    };
    let command: String = channels.iter().map(|(_, channel)| format!("LISTEN {channel};")).collect();
    let ask = async {
        client.batch_execute(&command).await?;
        // What was missed before is looked for.
        Calls::ALL.iter().for_each(|call| calls.of(*call).notify_one());
        std::future::pending().await
    };
    tokio::select! {
        ended = hear => ended,
        ended = ask => ended,
    }
}
