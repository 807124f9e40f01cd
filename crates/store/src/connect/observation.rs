//! Keeping the copies of challenges true (§6): which to look at, and what was seen.

use domain::challenge::Challenge;
use domain::{ChallengeId, Timestamp};

use super::ConnectStore;
use crate::StoreError;
use crate::row::Row;
use crate::sql::{Kind, Sql};
use crate::unit::{Transaction, Unit, one_by_one, runs};

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

    async fn decide(units: &[Self], transaction: &Transaction<'_>) -> Result<Vec<Vec<ChallengeId>>, StoreError> {
        static SQL: Sql = Sql::new(
            "WITH due AS MATERIALIZED (
                SELECT workspace_id AS due_workspace_id, client_id AS due_client_id, id AS due_id FROM challenge_requests
                WHERE next_observation_at <= $1 ORDER BY next_observation_at LIMIT $2 {skip locked})
            UPDATE challenge_requests SET next_observation_at = $3 FROM due
            WHERE workspace_id = due_workspace_id AND client_id = due_client_id AND id = due_id
            RETURNING challenge_id",
        );
        one_by_one(units, async |Self { now, again_at, limit }| {
            transaction.query(&SQL, &[(*now).into(), (*limit).into(), (*again_at).into()], read_id).await
        })
        .await
    }
}

fn read_id(row: &Row<'_>) -> Result<ChallengeId, StoreError> {
    row.bytes("challenge_id").map(ChallengeId::from_bytes)
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

    async fn decide(units: &[Self], transaction: &Transaction<'_>) -> Result<Vec<()>, StoreError> {
        static NEWS: Sql = Sql::each(
            "UPDATE challenge_requests
            SET challenge_completed_at = each.completed_at, challenge_is_closed = each.is_closed, updated_at = each.now
            FROM {each}
            WHERE challenge_id = each.id AND challenge_completed_at IS NULL AND NOT challenge_is_closed",
            &[
                ("id", Kind::Bytes),
                ("completed_at", Kind::Integer),
                ("is_closed", Kind::Boolean),
                ("now", Kind::Integer),
            ],
        );
        static NEXT: Sql = Sql::each(
            "UPDATE challenge_requests SET next_observation_at = each.next FROM {each} WHERE challenge_id = each.id",
            &[("id", Kind::Bytes), ("next", Kind::Integer)],
        );
        for run in runs(units, |unit| [unit.challenge.id]) {
            let mut sorted: Vec<&Self> = run.iter().collect();
            // In the same order everywhere, or two transactions could wait for each other.
            sorted.sort_unstable_by_key(|unit| unit.challenge.id);
            let is_news = |unit: &&&Self| unit.challenge.completed_at.is_some() || unit.challenge.is_closed;
            let news: Vec<_> = sorted
                .iter()
                .filter(is_news)
                .map(|Self { challenge: Challenge { id, completed_at, is_closed, .. }, now, .. }| {
                    [id.as_bytes().into(), (*completed_at).into(), (*is_closed).into(), (*now).into()]
                })
                .collect();
            transaction.execute_each(&NEWS, &news).await?;
            let next: Vec<_> = sorted
                .iter()
                .map(|unit| [unit.challenge.id.as_bytes().into(), unit.next_observation_at.into()])
                .collect();
            transaction.execute_each(&NEXT, &next).await?;
        }
        Ok(vec![(); units.len()])
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
