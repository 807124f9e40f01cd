//! The scheduler: hands challenge requests over, and keeps the copies of their challenges true (§6, §9).
//!
//! Each task is a reconciler: it compares what is with what should be, and does what is missing. It needs no input, may run
//! at any time, twice or in several processes at once, and may die in the middle. Nudges only make it run sooner.

pub(crate) mod arrivals;
pub(crate) mod due;
pub(crate) mod hand_over;
pub(crate) mod observe;
pub(crate) mod prune;
pub(crate) mod recall;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::challenge::Watch;
use store::StoreError;
use store::connect::ConnectStore;
use tokio::sync::{Mutex, watch};

use crate::World;
use crate::leases::Leases;
use crate::nudge::{News, Nudge};
use crate::peer::Peer;
use crate::telemetry::Telemetry;

/// What the tasks work with. Clones share it.
#[derive(Clone)]
pub(crate) struct Scheduler {
    pub(crate) store: ConnectStore,
    pub(crate) peer: Peer,
    pub(crate) world: World,
    /// Heard when there is a new request to be found in the table.
    pub(crate) news: Nudge,
    /// Says that there are events to deliver.
    pub(crate) new_events: News,
    pub(crate) telemetry: Telemetry,
    /// How this scheduler learns of what happens to challenges.
    pub(crate) watch: Watch,
    pub(crate) leases: Leases,
    /// Whose turn it is to hand over, where there are turns.
    pub(crate) turn: Arc<Mutex<()>>,
    /// Whether a round has ended in an error, and may have left leases behind.
    pub(crate) has_leftovers: Arc<AtomicBool>,
    /// How long an attempt may take.
    pub(crate) attempt_limit: Duration,
    /// How long the hand-over rests between two looks: this bounds how late a request is attempted whose nudge was lost, or
    /// whose pause is over.
    pub(crate) rest: Duration,
}

impl Scheduler {
    fn note_leftovers(&self, result: &Result<(), StoreError>) {
        if result.is_err() {
            self.has_leftovers.store(true, Ordering::Relaxed);
        }
    }
}

/// Whether the process is stopping: then nothing new is begun.
#[derive(Clone)]
pub(crate) struct Stopping(pub(crate) watch::Receiver<bool>);

impl Stopping {
    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the process stops.
    pub(crate) async fn wait(&mut self) {
        // An error means that whoever could say so is gone: that is stopping too.
        let _ = self.0.wait_for(|is_stopping| *is_stopping).await;
    }
}
