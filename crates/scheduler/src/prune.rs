//! Deleting expired idempotency keys (§4), old events (§7) and their deliveries (§12).

use db::StoreError;
use domain::event::RETENTION;
use store_workspace::{PruneDeliveries, PruneEvents, PruneIdempotencyRecords};

use super::Scheduler;

/// How many rows one write deletes. It is small, so that other writes do not wait long.
const BATCH: u32 = 500;

/// Deletes all expired rows, batch by batch.
///
/// # Errors
/// When the workspace database fails.
pub async fn run(scheduler: &Scheduler) -> Result<(), StoreError> {
    let write = || PruneIdempotencyRecords { now: scheduler.clock_and_rng.now(), limit: BATCH };
    while scheduler.store.prune_idempotency_records(write()).await? == u64::from(BATCH) {}
    let write =
        || PruneEvents { before: scheduler.clock_and_rng.now().minus(RETENTION), limit: BATCH };
    while scheduler.store.prune_events(write()).await? == u64::from(BATCH) {}
    let write =
        || PruneDeliveries { before: scheduler.clock_and_rng.now().minus(RETENTION), limit: BATCH };
    while scheduler.store.prune_deliveries(write()).await? == u64::from(BATCH) {}
    Ok(())
}
