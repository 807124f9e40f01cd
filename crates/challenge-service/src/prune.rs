//! Deleting testers' expired idempotency keys (§4), and verifications that are over (§10).

use std::time::Duration;

use db::StoreError;
use store_challenge::{PruneIdempotencyRecords, PruneVerifications};

use crate::service::ChallengeService;

/// How many records one write deletes. It is small, so that testers' writes do not wait long.
const BATCH: u32 = 500;

/// How long a verification is kept after its end, so that the browser that came back can be shown
/// how it ended.
const KEPT: Duration = Duration::from_hours(24);

/// Deletes all expired records, batch by batch.
///
/// # Errors
/// When the challenge database fails.
pub async fn run(service: &ChallengeService) -> Result<(), StoreError> {
    let write = || PruneIdempotencyRecords { now: service.clock_and_rng().now(), limit: BATCH };
    while service.store().prune_idempotency_records(write()).await? == u64::from(BATCH) {}
    let write =
        || PruneVerifications { before: service.clock_and_rng().now().minus(KEPT), limit: BATCH };
    while service.store().prune_verifications(write()).await? == u64::from(BATCH) {}
    Ok(())
}
