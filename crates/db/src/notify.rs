//! Notifications within this process and, on PostgreSQL, between processes.
//!
//! A notification only shortens a wait. The work itself is in the tables, and the tasks that do it
//! also poll them. So a lost notification costs a second at most.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::channel::Channel;
use crate::database::{Database, Engine};

/// The pause after a `NOTIFY`. Further notifications share the next one.
const SEND_PAUSE: Duration = Duration::from_millis(20);

impl Database {
    /// Notifies the task of this process that waits on the channel, and those of other processes.
    pub fn notify(&self, channel: Channel) {
        let notifications = self.notifications();
        notifications.local.of(channel).notify_one();
        notifications.outgoing.of(channel).notify_one();
    }

    /// Waits for the next notification on the channel. Returns at once if one is pending.
    pub async fn notified(&self, channel: Channel) {
        self.notifications().local.of(channel).notified().await;
    }

    /// Exchanges notifications with other processes, while this future is polled. It never ends. On
    /// SQLite there is one process, so it does nothing.
    pub async fn relay_notifications(&self) {
        match self.engine() {
            Engine::Sqlite(_) => std::future::pending().await,
            Engine::Postgres(database) => {
                let [requests, events] = Channel::ALL.map(|channel| self.forward(channel));
                let listen = database.listen(Arc::clone(&self.notifications().local));
                tokio::join!(requests, events, listen);
            }
        }
    }

    async fn forward(&self, channel: Channel) {
        let Engine::Postgres(database) = self.engine() else { return };
        loop {
            self.notifications().outgoing.of(channel).notified().await;
            if let Err(error) = database.notify(channel).await {
                tracing::debug!(%error, "cannot notify other processes");
            }
            sleep(SEND_PAUSE).await;
        }
    }
}
