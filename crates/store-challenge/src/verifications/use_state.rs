//! Uses the state with which a verification comes back (§10): once.

use db::{Row, Sql, StoreError, Transaction, Value, Write, apply_each};
use domain::{ChallengeId, ParticipationId, Timestamp};

use crate::ChallengeStore;

/// Uses a state, unless it was used before or is too old.
#[derive(Clone, Debug)]
pub struct UseState {
    /// The hash of the state.
    pub state_hash: [u8; 32],
    /// The present.
    pub now: Timestamp,
}

/// A verification that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verification {
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// The participation that is verified.
    pub participation_id: ParticipationId,
    /// Until when its state can be used.
    pub expires_at: Timestamp,
    /// Whether its state has been used.
    pub is_used: bool,
}

impl Write for UseState {
    /// Whether the state is used now, by this write.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE verifications SET used_at = $1
            WHERE state_hash = $2 AND used_at IS NULL AND expires_at > $1",
        );
        apply_each(writes, async |Self { state_hash, now }| {
            let parameters = [(*now).into(), state_hash.into()];
            Ok(transaction.execute(&SQL, &parameters).await? > 0)
        })
        .await
    }
}

impl ChallengeStore {
    /// Uses a state (§10). Returns `false` if it was used before, is too old or unknown.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn use_state(&self, write: UseState) -> Result<bool, StoreError> {
        self.database.write(write).await
    }

    /// The verification with this state.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn verification(
        &self,
        state_hash: [u8; 32],
    ) -> Result<Option<Verification>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT challenge_id, participation_id, expires_at, used_at FROM verifications
            WHERE state_hash = $1",
        );
        let read = |row: &Row<'_>| {
            Ok(Verification {
                challenge_id: ChallengeId::from_bytes(row.bytes("challenge_id")?),
                participation_id: ParticipationId::from_bytes(row.bytes("participation_id")?),
                expires_at: row.time("expires_at")?,
                is_used: row.optional_time("used_at")?.is_some(),
            })
        };
        let parameters = vec![Value::from(&state_hash).into_owned()];
        self.database.find(&SQL, parameters, read).await
    }
}
