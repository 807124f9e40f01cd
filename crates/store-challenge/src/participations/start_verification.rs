//! Records that the verification of a participation has begun (§8).

use db::{Sql, StoreError, Transaction, Write};
use domain::{ParticipationId, Timestamp};

use crate::ChallengeStore;
use crate::counts::Counts;
use crate::participations::PARTICIPATION;

/// Records that a tester has gone to be verified. Later times change nothing.
#[derive(Clone, Debug)]
pub struct StartVerification {
    /// The participation.
    pub id: ParticipationId,
    /// The present.
    pub now: Timestamp,
}

impl Write for StartVerification {
    type Outcome = ();

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<()>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE participations SET verification_started_at = $1
            WHERE id = $2 AND status = 'started' AND verification_started_at IS NULL
            RETURNING {columns}",
        )
        .reading(&PARTICIPATION);
        let mut sorted: Vec<&Self> = writes.iter().collect();
        // Transactions that lock rows in the same order cannot deadlock.
        sorted.sort_unstable_by_key(|write| write.id);
        let mut counts = Counts::default();
        for Self { id, now } in sorted {
            let parameters = [(*now).into(), id.as_bytes().into()];
            for started in transaction.query(&SQL, &parameters, PARTICIPATION.read).await? {
                counts.add_verification_started(&started);
            }
        }
        counts.store(transaction).await?;
        Ok(vec![(); writes.len()])
    }
}

impl ChallengeStore {
    /// Records that a tester has gone to be verified (§8).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn start_verification(&self, write: StartVerification) -> Result<(), StoreError> {
        self.database.write(write).await
    }
}
