//! News between processes that share a database: what one has taken in, another may hand over, and what that leads to, a third
//! may tell.

use std::time::Duration;

use store::Call;
use store::connect::ConnectStore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::nudge::{News, Nudge};
use crate::scheduler::Stopping;

/// How long it rests after a message: what is new by then goes into the next one.
const REST: Duration = Duration::from_millis(20);

/// Carries news to other processes, and theirs to this one.
pub(super) struct Messenger {
    pub(super) store: ConnectStore,
    pub(super) new_request: News,
    pub(super) new_events: News,
}

impl Messenger {
    pub(super) fn spawn(self, running: &mut JoinSet<()>, stopping: &Stopping) {
        let Self { store, new_request, new_events } = self;
        running.spawn(send(store.clone(), Call::NewRequest, new_request.elsewhere, stopping.clone()));
        running.spawn(send(store.clone(), Call::NewEvents, new_events.elsewhere, stopping.clone()));
        running.spawn(hear(store, new_request.here, new_events.here, stopping.clone()));
    }
}

/// Passes on what is heard. Where nobody in this process does anything about it, nothing comes of it.
async fn hear(store: ConnectStore, new_request: Nudge, new_events: Nudge, mut stopping: Stopping) {
    let wake = store.woken();
    loop {
        tokio::select! {
            () = wake.heard(Call::NewRequest) => new_request.now(),
            () = wake.heard(Call::NewEvents) => new_events.now(),
            () = stopping.wait() => return,
        }
    }
}

async fn send(store: ConnectStore, call: Call, news: Nudge, mut stopping: Stopping) {
    loop {
        tokio::select! {
            () = news.heard() => {}
            () = stopping.wait() => return,
        }
        // Others look for themselves now and then: a message that is lost costs a second.
        if let Err(error) = store.call(call).await {
            tracing::debug!(%error, "other processes could not be told of what is new");
        }
        sleep(REST).await;
    }
}
