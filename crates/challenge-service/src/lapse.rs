//! Writing down what has lapsed (§10). Nobody waits for this: whoever reads a participation
//! compares it with the time. It keeps the tables tidy.

use db::StoreError;
use store_challenge::LapseOverdue;

use super::ChallengeService;

/// Small, so that testers do not wait behind it.
const BATCH: u32 = 500;

/// Runs once.
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
