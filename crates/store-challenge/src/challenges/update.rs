//! Gives a challenge more room and more time (§7, §10).

use db::{Sql, StoreError, Transaction, Write, apply_each_in_lock_order, write_columns};
use domain::challenge_update::{ChallengeUpdate, UpdateRefusal};
use domain::{ChallengeId, Timestamp};

use crate::ChallengeStore;
use crate::challenges::{ChallengeRecord, lock};

/// Changes a challenge's limit of stamps and its end, by the rule of [`ChallengeUpdate::apply`].
#[derive(Clone, Copy, Debug)]
pub struct UpdateChallenge {
    /// The challenge.
    pub id: ChallengeId,
    /// The new values.
    pub update: ChallengeUpdate,
    /// The present.
    pub now: Timestamp,
}

write_columns! {
    /// A challenge whose limit or end has changed.
    UpdatedRow(ChallengeRecord) = |ChallengeRecord { challenge, payload, .. }| {
        challenge: Bytes = challenge.id.as_bytes(),
        max_stamp_claims: Integer = payload.max_stamp_claims,
        expires_at: Integer = challenge.expires_at,
        completed_at: Integer = challenge.completed_at,
    }
}

static UPDATE: Sql = Sql::each(
    "UPDATE challenges SET max_stamp_claims = each.max_stamp_claims,
        expires_at = each.expires_at, completed_at = each.completed_at, untold = TRUE
    {from each} WHERE challenges.id = each.challenge AND closed_at IS NULL",
    &UpdatedRow::COLUMNS,
);

impl Write for UpdateChallenge {
    /// The challenge in its new state, or why it stays as it is; `None` if it does not exist.
    type Outcome = Option<Result<ChallengeRecord, UpdateRefusal>>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        // Locks the challenges of all writes at once, in the order of their ids.
        lock(transaction, writes.iter().map(|write| write.id)).await?;
        apply_each_in_lock_order(
            writes,
            |write| write.id,
            async |write| write.apply(transaction).await,
        )
        .await
    }
}

impl UpdateChallenge {
    async fn apply(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<<Self as Write>::Outcome, StoreError> {
        let Some(record) = lock(transaction, [self.id]).await?.remove(&self.id) else {
            return Ok(None);
        };
        let updated =
            match self.update.apply(&record.challenge, record.payload.max_stamp_claims, self.now) {
                Ok(challenge) => record.clone().with(challenge),
                Err(refusal) => return Ok(Some(Err(refusal))),
            };
        if updated != record {
            transaction.execute_each(&UPDATE, &[UpdatedRow::of(&updated)]).await?;
        }
        Ok(Some(Ok(updated)))
    }
}

impl ChallengeRecord {
    /// This record after an update of its challenge.
    fn with(mut self, challenge: domain::challenge::Challenge) -> Self {
        self.payload.max_stamp_claims =
            challenge.stamp_limit.unwrap_or(self.payload.max_stamp_claims);
        self.challenge = challenge;
        self
    }
}

impl ChallengeStore {
    /// Gives a challenge more room and more time (§10). Returns it in its new state, or why it stays
    /// as it is; `None` if it does not exist.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn update_challenge(
        &self,
        write: UpdateChallenge,
    ) -> Result<Option<Result<ChallengeRecord, UpdateRefusal>>, StoreError> {
        self.database.write(write).await
    }
}
