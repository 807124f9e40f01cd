//! Forgetting testers' idempotency keys that are as good as new (§4).

use store::StoreError;
use store::tpas::PruneIdempotencyRecords;

use super::Tpas;

/// Small, so that testers do not wait behind it.
const BATCH: u32 = 500;

pub(crate) async fn run(tpas: &Tpas) -> Result<(), StoreError> {
    let unit = || PruneIdempotencyRecords { now: tpas.world().now(), limit: BATCH };
    while tpas.store().prune_idempotency_records(unit()).await? == u64::from(BATCH) {}
    Ok(())
}
