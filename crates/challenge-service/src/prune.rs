//! Deleting testers' expired idempotency keys (§4).

use db::StoreError;
use store_challenge::PruneIdempotencyRecords;

use crate::service::ChallengeService;

/// How many records one write deletes. It is small, so that testers' writes do not wait long.
const BATCH: u32 = 500;

/// Deletes all expired records, batch by batch.
///
/// # Errors
/// When the challenge database fails.
pub async fn run(service: &ChallengeService) -> Result<(), StoreError> {
    let write = || PruneIdempotencyRecords { now: service.clock_and_rng().now(), limit: BATCH };
    while service.store().prune_idempotency_records(write()).await? == u64::from(BATCH) {}
    Ok(())
}
