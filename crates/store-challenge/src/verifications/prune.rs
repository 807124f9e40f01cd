//! Deletes verifications that are over (§10).

use db::{Sql, StoreError, Transaction, Write, apply_each};
use domain::Timestamp;

use crate::ChallengeStore;

/// Deletes verifications that expired before a time.
#[derive(Clone, Debug)]
pub struct PruneVerifications {
    /// The time.
    pub before: Timestamp,
    /// The largest number of verifications. It bounds how long other writes wait.
    pub limit: u32,
}

impl Write for PruneVerifications {
    /// The number of deleted verifications.
    type Outcome = u64;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<u64>, StoreError> {
        static SQL: Sql = Sql::new(
            "DELETE FROM verifications WHERE (challenge_id, state_hash) IN (
                SELECT challenge_id, state_hash FROM verifications
                WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 {skip locked})",
        );
        apply_each(writes, async |Self { before, limit }| {
            transaction.execute(&SQL, &[(*before).into(), (*limit).into()]).await
        })
        .await
    }
}

impl ChallengeStore {
    /// Deletes a batch of verifications (§10). Returns their number.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn prune_verifications(&self, write: PruneVerifications) -> Result<u64, StoreError> {
        self.database.write(write).await
    }
}
