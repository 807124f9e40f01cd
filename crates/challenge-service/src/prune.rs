//! Forgetting testers' idempotency keys that are as good as new (§4).

use db::StoreError;
use store_challenge::PruneIdempotencyRecords;

use super::ChallengeService;

/// Small, so that testers do not wait behind it.
const BATCH: u32 = 500;

/// Runs once.
///
/// # Errors
/// When the challenge database fails.
pub async fn run(service: &ChallengeService) -> Result<(), StoreError> {
    let write = || PruneIdempotencyRecords { now: service.clock_and_rng().now(), limit: BATCH };
    while service.store().prune_idempotency_records(write()).await? == u64::from(BATCH) {}
    Ok(())
}
