//! Marking participations as lapsed in the database (§10). Every read compares a participation with
//! the clock, so nothing depends on when this runs.

use db::StoreError;
use store_challenge::LapseOverdue;

use crate::service::ChallengeService;

/// How many participations one write marks. It is small, so that testers' writes do not wait long.
const BATCH: u32 = 500;

/// Marks all overdue participations, batch by batch.
///
/// # Errors
/// When the challenge database fails.
pub async fn run(service: &ChallengeService) -> Result<(), StoreError> {
    loop {
        let lapsed = service
            .store()
            .lapse_overdue(LapseOverdue { now: service.clock_and_rng().now(), limit: BATCH })
            .await?;
        if lapsed > 0 {
            tracing::debug!(lapsed, "participations have lapsed");
        }
        if lapsed < u64::from(BATCH) {
            return Ok(());
        }
    }
}
