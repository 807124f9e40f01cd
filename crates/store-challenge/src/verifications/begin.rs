//! Begins a verification (§10).

use db::{Sql, StoreError, Transaction, Write, apply_each, write_columns};
use domain::Timestamp;
use domain::participation::Participation;

use crate::ChallengeStore;

/// How often the verification of one participation can begin. Nobody needs more, and each leaves a
/// row.
const MOST: u32 = 20;

/// Begins a verification of a participation.
#[derive(Clone, Debug)]
pub struct BeginVerification {
    /// The participation.
    pub participation: Participation,
    /// The hash of the state that leads back.
    pub state_hash: [u8; 32],
    /// The present.
    pub now: Timestamp,
    /// Until when the state can be used.
    pub expires_at: Timestamp,
}

/// Whether a verification has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginOutcome {
    /// It has.
    Begun,
    /// The participation's verification has begun too often.
    TooOften,
}

write_columns! {
    /// A verification that begins.
    BeginRow(BeginVerification) = |BeginVerification {
        participation,
        state_hash,
        now,
        expires_at,
    }| {
        challenge: Bytes = participation.challenge_id.as_bytes(),
        state: Bytes = state_hash,
        participation: Bytes = participation.id.as_bytes(),
        started: Integer = *now,
        expires: Integer = *expires_at,
        most: Integer = MOST,
    }
}

static INSERT: Sql = Sql::each(
    "INSERT INTO verifications (challenge_id, state_hash, participation_id, started_at, expires_at)
    SELECT each.challenge, each.state, each.participation, each.started, each.expires {from each}
    WHERE (SELECT COUNT(*) FROM verifications
        WHERE challenge_id = each.challenge AND participation_id = each.participation) < each.most",
    &BeginRow::COLUMNS,
);

impl Write for BeginVerification {
    type Outcome = BeginOutcome;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<BeginOutcome>, StoreError> {
        apply_each(writes, async |write| {
            let begun = transaction.execute_each(&INSERT, &[BeginRow::of(write)]).await? > 0;
            Ok(if begun { BeginOutcome::Begun } else { BeginOutcome::TooOften })
        })
        .await
    }
}

impl ChallengeStore {
    /// Begins a verification (§10).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn begin_verification(
        &self,
        write: BeginVerification,
    ) -> Result<BeginOutcome, StoreError> {
        self.database.write(write).await
    }
}
