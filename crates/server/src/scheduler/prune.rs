//! Forgetting what need not be kept any longer: idempotency keys that are as good as new (§4), old events (§7).

use domain::event::KEPT_FOR;
use store::StoreError;
use store::connect::{PruneEvents, PruneIdempotencyRecords};

use super::Scheduler;

/// Small, so that others do not wait behind it.
const BATCH: u32 = 500;

/// Deletes what is old, a batch at a time, until there is nothing of it.
pub(crate) async fn run(scheduler: &Scheduler) -> Result<(), StoreError> {
    let unit = || PruneIdempotencyRecords { now: scheduler.world.now(), limit: BATCH };
    while scheduler.store.prune_idempotency_records(unit()).await? == u64::from(BATCH) {}
    let unit = || PruneEvents { before: scheduler.world.now().minus(KEPT_FOR), limit: BATCH };
    while scheduler.store.prune_events(unit()).await? == u64::from(BATCH) {}
    Ok(())
}
