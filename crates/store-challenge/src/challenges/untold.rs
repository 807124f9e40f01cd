//! Challenges whose stamps or end the scheduler may not have told yet (§7).
//!
//! A claim or a closing marks its challenge in its own transaction; whoever has told what it saw
//! takes the mark away, unless more has happened meanwhile.

use db::{Sql, StoreError, Transaction, Value, Write, split_on_conflict, write_columns};
use domain::{ChallengeId, Timestamp};

use super::read_id;
use crate::ChallengeStore;

/// Records that what is known of a challenge has been told.
#[derive(Clone, Debug)]
pub struct MarkTold {
    /// The challenge.
    pub id: ChallengeId,
    /// How many of its stamps have been told.
    pub claims: u64,
    /// Whether it has been told that the challenge was closed.
    pub is_closed: bool,
    /// The limit of stamps that has been told.
    pub stamp_limit: Option<u32>,
    /// The end that has been told.
    pub expires_at: Timestamp,
}

write_columns! {
    /// What has been told of a challenge.
    ToldRow(MarkTold) = |MarkTold { id, claims, is_closed, stamp_limit, expires_at }| {
        challenge: Bytes = id.as_bytes(),
        claims: Integer = i64::try_from(*claims).unwrap_or(i64::MAX),
        was_closed: Boolean = *is_closed,
        stamp_limit: Integer = *stamp_limit,
        told_end: Integer = *expires_at,
    }
}

impl Write for MarkTold {
    type Outcome = ();

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<()>, StoreError> {
        static SQL: Sql = Sql::each(
            "UPDATE challenges SET untold = FALSE {from each}
            WHERE id = each.challenge AND untold AND stamp_claims = each.claims
                AND (closed_at IS NOT NULL) = each.was_closed
                AND max_stamp_claims = each.stamp_limit AND expires_at = each.told_end",
            &ToldRow::COLUMNS,
        );
        super::lock(transaction, writes.iter().map(|write| write.id)).await?;
        for slice in split_on_conflict(writes, |write| [write.id]) {
            let rows: Vec<_> = slice.iter().map(ToldRow::of).collect();
            transaction.execute_each(&SQL, &rows).await?;
        }
        Ok(vec![(); writes.len()])
    }
}

impl ChallengeStore {
    /// Challenges of which something may not have been told: at most `limit`, those with the lowest
    /// ids above `after`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn untold_challenges(
        &self,
        after: ChallengeId,
        limit: u32,
    ) -> Result<Vec<ChallengeId>, StoreError> {
        static SQL: Sql =
            Sql::new("SELECT id FROM challenges WHERE untold AND id > $1 ORDER BY id LIMIT $2");
        let after = Value::from(after.as_bytes()).into_owned();
        self.database.query(&SQL, vec![after, limit.into()], read_id).await
    }

    /// Records that what is known of these challenges has been told.
    ///
    /// # Errors
    /// If the database cannot be written. The challenges are then told again, which changes
    /// nothing.
    pub async fn mark_told(&self, writes: Vec<MarkTold>) -> Result<(), StoreError> {
        self.database.write_all(writes).await.into_iter().collect()
    }
}
