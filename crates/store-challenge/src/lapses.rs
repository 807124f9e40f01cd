//! Participations that end because nothing came of them (§10).

use db::{Sql, StoreError, Transaction, Write, apply_each};
use domain::Timestamp;

use super::ChallengeStore;

/// Writes down that participations without an outcome in time have lapsed.
#[derive(Clone, Debug)]
pub struct LapseOverdue {
    /// The present.
    pub now: Timestamp,
    /// How many at most: small, so that nobody waits long behind it.
    pub limit: u32,
}

impl Write for LapseOverdue {
    /// How many it were.
    type Outcome = u64;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<u64>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE participations SET status = 'lapsed', decided_at = lapses_at
            WHERE status = 'started' AND (challenge_id, id) IN (
                SELECT challenge_id, id FROM participations
                WHERE status = 'started' AND lapses_at <= $1 ORDER BY lapses_at LIMIT $2 {skip locked})",
        );
        apply_each(writes, async |Self { now, limit }| {
            transaction.execute(&SQL, &[(*now).into(), (*limit).into()]).await
        })
        .await
    }
}

impl ChallengeStore {
    /// Writes a batch of lapses down; how many it were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn lapse_overdue(&self, write: LapseOverdue) -> Result<u64, StoreError> {
        self.database.write(write).await
    }
}
