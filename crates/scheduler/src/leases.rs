//! Releasing leases, so that no request waits for its lease to expire (§9).

use std::sync::atomic::Ordering;

use db::StoreError;
use store_workspace::{ReleaseLease, ReleaseLeases};

use crate::Scheduler;

/// Releases all leases in this scheduler's name: when it stops, and when it starts after a crash.
///
/// # Errors
/// When the workspace database fails. The leases then expire.
pub async fn release_all(scheduler: &Scheduler) -> Result<(), StoreError> {
    scheduler.dispatch.forget_submitted();
    let holder = scheduler.dispatch.holder.clone();
    let released = scheduler.store.release_leases(ReleaseLeases { holder }).await?;
    if released > 0 {
        tracing::info!(released, "leases were given back");
    }
    Ok(())
}

/// Releases the leases that a failed run may have left behind.
pub(crate) async fn release_left_behind(scheduler: &Scheduler) -> Result<(), StoreError> {
    if scheduler.may_have_left_leases.swap(false, Ordering::Relaxed) {
        let released = release_all(scheduler).await;
        if released.is_err() {
            scheduler.may_have_left_leases.store(true, Ordering::Relaxed);
        }
        released?;
    }
    Ok(())
}

/// Releases the leases of requests that were stored but never submitted.
pub(crate) async fn release_abandoned(scheduler: &Scheduler) {
    let abandoned = scheduler.dispatch.take_abandoned().into_iter();
    let writes =
        abandoned.map(|key| ReleaseLease { key, holder: scheduler.dispatch.holder.clone() });
    // A lease that cannot be released now expires by itself.
    scheduler.store.release_each_lease(writes.collect()).await;
}
