//! Forgetting keys that are as good as new (§4).

use domain::Timestamp;

use super::appended::read_place;
use crate::StoreError;
use crate::connect::ConnectStore;
use crate::sql::Sql;
use crate::sqlite::{Work, statement};
use crate::unit::{Transaction, Unit, one_by_one};

/// Deletes records whose key is as good as new.
#[derive(Clone, Debug)]
pub struct PruneIdempotencyRecords {
    /// The present.
    pub now: Timestamp,
    /// How many at most: small, so that nobody waits long behind it.
    pub limit: u32,
}

impl Unit for PruneIdempotencyRecords {
    /// How many were deleted.
    type Outcome = u64;

    async fn decide(units: &[Self], transaction: &Transaction<'_>) -> Result<Vec<u64>, StoreError> {
        static SQL: Sql = Sql::new(
            "DELETE FROM idempotency_records WHERE (workspace_id, key) IN (
                SELECT workspace_id, key FROM idempotency_records WHERE expires_at <= $1
                ORDER BY expires_at LIMIT $2 {skip locked})",
        );
        one_by_one(units, async |Self { now, limit }| match transaction {
            Transaction::Sqlite(work) => oldest(*work, *now, *limit),
            Transaction::Postgres(_) => transaction.execute(&SQL, &[(*now).into(), (*limit).into()]).await,
        })
        .await
    }
}

/// Deletes from the beginning, where the oldest are: what a clock that was set back has put out of order waits a little longer.
fn oldest(work: Work<'_>, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    static SQL: Sql = Sql::new(
        "DELETE FROM idempotency_records WHERE expires_at <= $1 AND rowid IN (
            SELECT rowid FROM idempotency_records ORDER BY rowid LIMIT $2)
        RETURNING rowid AS place, workspace_id, key",
    );
    let gone = statement::query(work.connection, &SQL, &[now.into(), limit.into()], read_place)?;
    for (hash, place) in &gone {
        work.keys.removed(*hash, *place);
    }
    // There are no more than the limit.
    Ok(u64::try_from(gone.len()).unwrap_or(u64::MAX))
}

impl ConnectStore {
    /// Deletes a batch of expired records; how many it were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn prune_idempotency_records(&self, unit: PruneIdempotencyRecords) -> Result<u64, StoreError> {
        self.database.write(unit).await
    }
}
