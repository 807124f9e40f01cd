//! Forgetting what need not be kept any longer: idempotency keys that are as good as new (§4), old
//! events (§7).

use db::StoreError;
use domain::event::RETENTION;
use store_workspace::{PruneEvents, PruneIdempotencyRecords};

use super::Scheduler;

/// Small, so that others do not wait behind it.
const BATCH: u32 = 500;

/// Deletes what is old, a batch at a time, until there is nothing of it.
///
/// # Errors
/// When the workspace database fails.
pub async fn run(scheduler: &Scheduler) -> Result<(), StoreError> {
    let write = || PruneIdempotencyRecords { now: scheduler.clock_and_rng.now(), limit: BATCH };
    while scheduler.store.prune_idempotency_records(write()).await? == u64::from(BATCH) {}
    let write =
        || PruneEvents { before: scheduler.clock_and_rng.now().minus(RETENTION), limit: BATCH };
    while scheduler.store.prune_events(write()).await? == u64::from(BATCH) {}
    Ok(())
}
