//! The channels of notifications, and what is pending on them.

use std::sync::Arc;

use tokio::sync::Notify;

/// What a notification is about. Each channel has one waiting task per process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// There are challenge requests to hand over (§9).
    NewRequest,
    /// There are events to deliver (§7).
    NewEvents,
}

impl Channel {
    pub(crate) const ALL: [Self; 2] = [Self::NewRequest, Self::NewEvents];
}

/// A pending notification for each channel. A second one before the first is received adds nothing.
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
    /// For other processes.
    pub(crate) outgoing: Arc<Pending>,
}
