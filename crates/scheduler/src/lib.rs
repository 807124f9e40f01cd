//! The scheduler: hands challenge requests over to the challenge service, and keeps the copies of
//! their challenges up to date (§6, §9).
//!
//! Each task is a reconciler: it compares the actual state with the desired state and does what is
//! missing. A task takes no input, can run at any time and in several processes at once, and can
//! stop half-way. Notifications only make it run sooner.
//!
//! The numbers in brackets (§9) are sections of `docs/api-design.md`.

mod attempt;
pub mod dispatcher;
pub mod leases;
mod local_dispatch;
pub mod observe;
mod pacing;
pub mod prune;
pub mod recall;
mod service_health;
mod slots;
#[cfg(test)]
mod test_data;

use std::sync::Arc;
use std::time::Duration;

use challenge_service::handle::ChallengeServiceHandle;
use domain::ClockAndRng;
use domain::challenge::Watch;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use store_workspace::WorkspaceStore;
use tokio::sync::watch;
use traces::Traces;

pub use self::local_dispatch::{LocalDispatch, Reservation};
use self::pacing::Pacing;
pub use self::service_health::ServiceHealth;

/// A counter of attempts to hand a request over, by `outcome`.
pub type HandOverCounter = Family<[(&'static str, &'static str); 1], Counter>;

/// The dependencies of a scheduler.
pub struct Parts {
    /// The store of challenge requests.
    pub store: WorkspaceStore,
    /// The challenge service.
    pub challenge_service: ChallengeServiceHandle,
    /// Time and randomness.
    pub clock_and_rng: ClockAndRng,
    /// Counts attempts.
    pub hand_overs: HandOverCounter,
    /// Follow each order.
    pub traces: Traces,
    /// What keeps hand-overs from succeeding.
    pub service_health: ServiceHealth,
    /// How this scheduler learns of changes to challenges.
    pub watch: Watch,
    /// A name for leases that no other scheduler has or had.
    pub holder: String,
    /// How long an attempt may take.
    pub attempt_timeout: Duration,
    /// How long the dispatcher pauses between two runs. It bounds the delay of a request whose
    /// notification was lost, or whose backoff is over.
    pub period: Duration,
}

/// The state of the tasks. Clones share it.
#[derive(Clone)]
pub struct Scheduler {
    pub(crate) store: WorkspaceStore,
    pub(crate) challenge_service: ChallengeServiceHandle,
    pub(crate) clock_and_rng: ClockAndRng,
    pub(crate) hand_overs: HandOverCounter,
    pub(crate) traces: Traces,
    pub(crate) service_health: ServiceHealth,
    pub(crate) watch: Watch,
    pub(crate) dispatch: LocalDispatch,
    pub(crate) pacing: Pacing,
    pub(crate) poll: Arc<dispatcher::Poll>,
    pub(crate) attempt_timeout: Duration,
    period: Duration,
}

impl Scheduler {
    /// A scheduler. A lease lasts for two attempts, so that a request is never attempted twice at
    /// once: 20 s with the default timeout, so that another process takes over within 30 s (§9).
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, challenge_service, clock_and_rng, hand_overs, .. } = parts;
        let capacity = challenge_service.capacity();
        Self {
            dispatch: LocalDispatch::new(
                &parts.holder,
                parts.attempt_timeout * 2,
                capacity.slots(),
            ),
            pacing: Pacing::of(capacity),
            store,
            challenge_service,
            clock_and_rng,
            hand_overs,
            traces: parts.traces,
            service_health: parts.service_health,
            watch: parts.watch,
            poll: Arc::default(),
            attempt_timeout: parts.attempt_timeout,
            period: parts.period,
        }
    }

    /// Submits new requests of this process.
    #[must_use]
    pub fn local_dispatch(&self) -> &LocalDispatch {
        &self.dispatch
    }

    /// How long the dispatcher pauses between two runs, unless something wakes it up.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }
}

/// Whether the process is stopping: then no new work starts. Clones share it.
#[derive(Clone)]
pub struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Stopping is announced by sending `true`.
    #[must_use]
    pub fn new(announced: watch::Receiver<bool>) -> Self {
        Self(announced)
    }

    /// Whether the process is stopping.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the process stops.
    pub async fn wait(&mut self) {
        // An error means that the sender is gone: that is stopping too.
        let _ = self.0.wait_for(|is_stopping| *is_stopping).await;
    }
}
