//! News between processes that share a database: what one has taken in, another may hand over.

use std::time::Duration;

use store::connect::ConnectStore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::nudge::NewRequest;
use crate::scheduler::Stopping;

/// How long it rests after a message: what is new by then goes into the next one.
const REST: Duration = Duration::from_millis(20);

/// Carries news to other processes, and theirs to this one.
pub(super) struct Messenger {
    pub(super) store: ConnectStore,
    pub(super) new_request: NewRequest,
    /// Whether this process has news to tell: it takes requests in.
    pub(super) sends: bool,
    /// Whether this process does something about news: it hands requests over.
    pub(super) hears: bool,
}

impl Messenger {
    pub(super) fn spawn(self, running: &mut JoinSet<()>, stopping: &Stopping) {
        let Self { store, new_request, sends, hears } = self;
        if hears {
            running.spawn(hear(store.clone(), new_request.clone(), stopping.clone()));
        }
        if sends {
            running.spawn(send(store, new_request, stopping.clone()));
        }
    }
}

async fn hear(store: ConnectStore, new_request: NewRequest, mut stopping: Stopping) {
    let mut wake = store.woken();
    loop {
        tokio::select! {
            () = wake.heard() => new_request.here.now(),
            () = stopping.wait() => return,
        }
    }
}

async fn send(store: ConnectStore, new_request: NewRequest, mut stopping: Stopping) {
    loop {
        tokio::select! {
            () = new_request.elsewhere.heard() => {}
            () = stopping.wait() => return,
        }
        // Schedulers look for themselves now and then: a message that is lost costs a second.
        if let Err(error) = store.wake_schedulers().await {
            tracing::debug!(%error, "other processes could not be told of new requests");
        }
        sleep(REST).await;
    }
}
