//! Releasing leases, so that no request waits for its lease to expire (§9).
//!
//! Only leases that this process remembers are released, by their keys. What a crash leaves behind
//! expires; on an embedded database the next process takes it over at once.

use store_workspace::{ReleaseLease, RequestKey};

use crate::Scheduler;

/// Releases all leases that this scheduler remembers, when it stops.
pub async fn release_all(scheduler: &Scheduler) {
    scheduler.dispatch.forget_submitted();
    release_abandoned(scheduler).await;
    release_left_behind(scheduler).await;
}

/// Releases the leases of attempts that were not recorded.
pub(crate) async fn release_left_behind(scheduler: &Scheduler) {
    let left_behind = std::mem::take(&mut *scheduler.dispatch.left_behind.lock());
    release(scheduler, left_behind, true).await;
}

/// Releases the leases of requests that were stored but never submitted.
pub(crate) async fn release_abandoned(scheduler: &Scheduler) {
    release(scheduler, scheduler.dispatch.take_abandoned(), false).await;
}

/// Releases these leases, each by itself. One that cannot be released now expires.
async fn release(scheduler: &Scheduler, keys: Vec<RequestKey>, was_attempted: bool) {
    let write =
        |key| ReleaseLease { key, holder: scheduler.dispatch.holder.clone(), was_attempted };
    let released = scheduler.store.release_each_lease(keys.into_iter().map(write).collect()).await;
    if released > 0 && was_attempted {
        tracing::info!(released, "leases were given back");
    }
}
