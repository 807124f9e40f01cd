//! Closes a challenge before it expires (§10).

use db::{Sql, StoreError, Transaction, Write, split_on_conflict, write_columns};
use domain::{ChallengeId, Timestamp};

use crate::ChallengeStore;
use crate::challenges::{ChallengeRecord, READ, lock, read_each};

/// Closes a challenge. Closing is idempotent, and has no effect on a challenge that is complete or
/// has expired.
#[derive(Clone, Debug)]
pub struct CloseChallenge {
    /// The challenge.
    pub id: ChallengeId,
    /// The present.
    pub now: Timestamp,
}

write_columns! {
    /// A challenge, and when it is closed.
    CloseRow(CloseChallenge) = |CloseChallenge { id, now }| {
        challenge: Bytes = id.as_bytes(),
        now: Integer = *now,
    }
}

impl Write for CloseChallenge {
    /// The challenge in its new state, or `None` if it does not exist.
    type Outcome = Option<ChallengeRecord>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        static SQL: Sql = Sql::each(
            "UPDATE challenges SET closed_at = each.now, untold = TRUE {from each}
            WHERE id = each.challenge AND closed_at IS NULL AND completed_at IS NULL
                AND expires_at > each.now",
            &CloseRow::COLUMNS,
        );
        // Locks the challenges of all slices at once. Slice by slice, the order would start again
        // with each slice, and transactions could deadlock.
        lock(transaction, writes.iter().map(|write| write.id)).await?;
        let mut outcomes = Vec::with_capacity(writes.len());
        for slice in split_on_conflict(writes, |write| [write.id]) {
            let rows: Vec<_> = slice.iter().map(CloseRow::of).collect();
            transaction.execute_each(&SQL, &rows).await?;
            let mut records =
                read_each(transaction, &READ, slice.iter().map(|write| write.id)).await?;
            outcomes.extend(slice.iter().map(|write| records.remove(&write.id)));
        }
        Ok(outcomes)
    }
}

impl ChallengeStore {
    /// Closes a challenge (§10). Returns it in its new state, or `None` if it does not exist.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn close_challenge(
        &self,
        write: CloseChallenge,
    ) -> Result<Option<ChallengeRecord>, StoreError> {
        self.database.write(write).await
    }
}
