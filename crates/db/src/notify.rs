//! Notifications within this process and, on PostgreSQL, between processes.
//!
//! A notification shortens a wait and nothing more: the work itself is in the tables, and whoever
//! does it also looks there periodically. So a lost notification costs a second at most.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use crate::database::{Database, Engine};

/// The pause after a `NOTIFY`. What is notified meanwhile goes into the next one.
const SEND_PAUSE: Duration = Duration::from_millis(20);

/// What a notification is about. Each channel has one waiting task per process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// There is a challenge request to hand over (§9).
    NewRequest,
    /// There are events to deliver (§7).
    NewEvents,
}

impl Channel {
    pub(crate) const ALL: [Self; 2] = [Self::NewRequest, Self::NewEvents];
}

/// One pending notification for each channel: a second one before the first is taken adds nothing.
#[derive(Default)]
pub(crate) struct Pending {
    new_request: Notify,
    new_events: Notify,
}

impl Pending {
    pub(crate) fn of(&self, channel: Channel) -> &Notify {
        match channel {
            Channel::NewRequest => &self.new_request,
            Channel::NewEvents => &self.new_events,
        }
    }
}

/// The notifications of one database. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Notifications {
    /// For the tasks of this process.
    pub(crate) local: Arc<Pending>,
    /// For other processes, until they are sent.
    outgoing: Arc<Pending>,
}

impl Database {
    /// Notifies the task of this process that waits on the channel, and those of other processes.
    pub fn notify(&self, channel: Channel) {
        let notifications = self.notifications();
        notifications.local.of(channel).notify_one();
        notifications.outgoing.of(channel).notify_one();
    }

    /// Waits for the next notification on the channel. One that came before counts.
    pub async fn notified(&self, channel: Channel) {
        self.notifications().local.of(channel).notified().await;
    }

    /// Exchanges notifications with other processes, for as long as this is polled. Where the
    /// tables belong to one process there is nothing to exchange, and this waits for ever.
    pub async fn relay_notifications(&self) {
        match self.engine() {
            Engine::Sqlite(_) => std::future::pending().await,
            Engine::Postgres(database) => {
                let [requests, events] = Channel::ALL.map(|channel| self.send_for_ever(channel));
                let listen = database.listen(Arc::clone(&self.notifications().local));
                tokio::join!(requests, events, listen);
            }
        }
    }

    async fn send_for_ever(&self, channel: Channel) {
        let Engine::Postgres(database) = self.engine() else { return };
        loop {
            self.notifications().outgoing.of(channel).notified().await;
            if let Err(error) = database.notify(channel).await {
                tracing::debug!(%error, "other processes could not be notified");
            }
            sleep(SEND_PAUSE).await;
        }
    }
}
