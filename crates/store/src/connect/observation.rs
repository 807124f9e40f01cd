//! Keeping the copies of challenges true (§6): which to look at, and what was seen.

use domain::challenge::Challenge;
use domain::{ChallengeId, Timestamp};
use rusqlite::Transaction;

use super::ConnectStore;
use crate::StoreError;
use crate::sqlite::{Unit, prepare};

/// Takes challenges that are due to be looked at. They are due again at `again_at`, in case whoever took them dies.
#[derive(Clone, Debug)]
pub struct TakeObservations {
    /// The present.
    pub now: Timestamp,
    /// When they are due again, unless something is recorded before.
    pub again_at: Timestamp,
    /// How many at most.
    pub limit: u32,
}

impl Unit for TakeObservations {
    type Outcome = Vec<ChallengeId>;

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Vec<ChallengeId>> {
        const SQL: &str = "
            UPDATE challenge_requests SET next_observation_at = $1
            WHERE (workspace_id, client_id, id) IN (
                SELECT workspace_id, client_id, id FROM challenge_requests
                WHERE next_observation_at <= $2 ORDER BY next_observation_at LIMIT $3)
            RETURNING challenge_id";
        prepare(transaction, SQL)?
            .query_map((self.again_at.as_millis(), self.now.as_millis(), self.limit), |row| {
                row.get("challenge_id").map(ChallengeId::from_bytes)
            })?
            .collect()
    }
}

/// Writes down what the challenge service says of a challenge. What has completed or closed stays so, in whatever order
/// observations arrive.
#[derive(Clone, Debug)]
pub struct RecordObservation {
    /// What it says.
    pub challenge: Challenge,
    /// When to look again; `None` when nothing can change any more.
    pub next_observation_at: Option<Timestamp>,
    /// When it said so.
    pub now: Timestamp,
}

impl Unit for RecordObservation {
    type Outcome = ();

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        const NEWS: &str = "
            UPDATE challenge_requests SET challenge_completed_at = $1, challenge_is_closed = $2, updated_at = $3
            WHERE challenge_id = $4 AND challenge_completed_at IS NULL AND NOT challenge_is_closed";
        const NEXT: &str = "UPDATE challenge_requests SET next_observation_at = $1 WHERE challenge_id = $2";
        let Self { challenge, next_observation_at, now } = self;
        if challenge.completed_at.is_some() || challenge.is_closed {
            prepare(transaction, NEWS)?.execute((
                challenge.completed_at.map(Timestamp::as_millis),
                challenge.is_closed,
                now.as_millis(),
                challenge.id.as_bytes(),
            ))?;
        }
        prepare(transaction, NEXT)?
            .execute((next_observation_at.map(Timestamp::as_millis), challenge.id.as_bytes()))?;
        Ok(())
    }
}

impl ConnectStore {
    /// Takes challenges that are due to be looked at.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn take_observations(&self, unit: TakeObservations) -> Result<Vec<ChallengeId>, StoreError> {
        self.database.write(unit).await
    }

    /// Writes down what was seen.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn record_observation(&self, unit: RecordObservation) -> Result<(), StoreError> {
        self.database.write(unit).await
    }
}
