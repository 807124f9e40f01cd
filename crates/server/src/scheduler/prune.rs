//! Forgetting idempotency keys that are as good as new (§4).

use store::StoreError;
use store::connect::PruneIdempotencyRecords;

use super::Scheduler;

/// Small, so that creates do not wait behind it.
const BATCH: u32 = 500;

/// Deletes expired records, a batch at a time, until there are none.
pub(crate) async fn run(scheduler: &Scheduler) -> Result<(), StoreError> {
    let unit = || PruneIdempotencyRecords { now: scheduler.world.now(), limit: BATCH };
    while scheduler.store.prune_idempotency_records(unit()).await? == u64::from(BATCH) {}
    Ok(())
}
