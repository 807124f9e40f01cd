//! A hint that there is something to do. It shortens a wait and nothing more: what is to be done stands in the database.

use std::sync::Arc;

use tokio::sync::Notify;

/// Says that something is new, here and in other processes. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct News {
    /// Heard in this process.
    pub(crate) here: Nudge,
    /// Heard by the messenger to other processes, if there is one.
    pub(crate) elsewhere: Nudge,
}

impl News {
    pub(crate) fn announce(&self) {
        self.here.now();
        self.elsewhere.now();
    }
}

/// A hint from whoever made work to whoever does it. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Nudge(Arc<Notify>);

impl Nudge {
    /// Says that there is something to do. Many hints before the first is heard are one.
    pub(crate) fn now(&self) {
        self.0.notify_one();
    }

    /// Waits for the next hint; one that was given before counts.
    pub(crate) async fn heard(&self) {
        self.0.notified().await;
    }
}
