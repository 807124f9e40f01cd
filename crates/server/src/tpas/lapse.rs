//! Writing down what has lapsed (§10). Nobody waits for this: whoever reads a participation compares it with the time. It
//! keeps the tables tidy.

use store::StoreError;
use store::tpas::LapseOverdue;

use super::Tpas;

/// Small, so that testers do not wait behind it.
const BATCH: u32 = 500;

pub(crate) async fn run(tpas: &Tpas) -> Result<(), StoreError> {
    loop {
        let lapsed = tpas.store().lapse_overdue(LapseOverdue { now: tpas.world().now(), limit: BATCH }).await?;
        if lapsed > 0 {
            tracing::debug!(lapsed, "participations have lapsed");
        }
        if lapsed < u64::from(BATCH) {
            return Ok(());
        }
    }
}
