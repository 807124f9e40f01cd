//! Giving leases back, so that nobody has to wait for them to expire (§9).

use std::sync::atomic::Ordering;

use db::StoreError;
use store_workspace::{ReleaseLease, ReleaseLeases};

use crate::Scheduler;

/// Gives everything back that is leased in this scheduler's name: when it stops, and when it starts
/// again after a crash.
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

/// Gives the leases back that an earlier run may have left behind, and those of requests that were
/// stored but never submitted.
pub(crate) async fn release_left_behind(scheduler: &Scheduler) -> Result<(), StoreError> {
    if scheduler.may_have_left_leases.swap(false, Ordering::Relaxed) {
        let released = release_all(scheduler).await;
        if released.is_err() {
            scheduler.may_have_left_leases.store(true, Ordering::Relaxed);
        }
        released?;
    }
    let abandoned = scheduler.dispatch.take_abandoned().into_iter();
    let writes =
        abandoned.map(|key| ReleaseLease { key, holder: scheduler.dispatch.holder.clone() });
    // One that cannot be given back now expires by itself.
    scheduler.store.release_each_lease(writes.collect()).await;
    Ok(())
}
