//! Writing down what has lapsed, and forgetting old idempotency keys (§4, §10).
//!
//! Nobody waits for this: whoever reads a participation or a key compares it with the time. It keeps the tables tidy.

use store::StoreError;
use store::tpas::{LapseOverdue, PruneIdempotencyRecords};

use super::Tpas;

/// Small, so that testers do not wait behind it.
const BATCH: u32 = 500;

pub(crate) async fn lapse_overdue(tpas: &Tpas) -> Result<(), StoreError> {
    loop {
        let lapsed = tpas.store().lapse_overdue(LapseOverdue { now: tpas.world().now(), limit: BATCH }).await?;
        if lapsed > 0 {
            tracing::debug!(lapsed, "participations have lapsed");
        }
        if lapsed < BATCH as usize {
            return Ok(());
        }
    }
}

pub(crate) async fn prune(tpas: &Tpas) -> Result<(), StoreError> {
    let unit = || PruneIdempotencyRecords { now: tpas.world().now(), limit: BATCH };
    while tpas.store().prune_idempotency_records(unit()).await? == BATCH as usize {}
    Ok(())
}
