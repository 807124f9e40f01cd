//! Records that participations have lapsed (§10).

use db::{Sql, StoreError, Transaction, Write, apply_each};
use domain::Timestamp;

use crate::ChallengeStore;

/// Records that participations have lapsed: their verification did not end in time.
#[derive(Clone, Debug)]
pub struct LapseOverdue {
    /// The present.
    pub now: Timestamp,
    /// The largest number of participations. It bounds how long other writes wait.
    pub limit: u32,
}

impl Write for LapseOverdue {
    /// The number of lapsed participations.
    type Outcome = u64;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<u64>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE participations SET status = 'lapsed', decided_at = lapses_at
            WHERE status = 'started' AND (challenge_id, id) IN (
                SELECT challenge_id, id FROM participations
                WHERE status = 'started' AND lapses_at <= $1
                ORDER BY lapses_at LIMIT $2 {skip locked})",
        );
        apply_each(writes, async |Self { now, limit }| {
            transaction.execute(&SQL, &[(*now).into(), (*limit).into()]).await
        })
        .await
    }
}

impl ChallengeStore {
    /// Records that a batch of participations has lapsed (§10). Returns their number.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn lapse_overdue(&self, write: LapseOverdue) -> Result<u64, StoreError> {
        self.database.write(write).await
    }
}
