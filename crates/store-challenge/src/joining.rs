//! Joining a challenge (§10).

use std::collections::HashSet;

use db::{
    Idempotency, KeyClaim, Kind, Sql, StoreError, Transaction, Value, Write, split_on_conflict,
};
use domain::participation::Participation;
use domain::{ChallengeId, ParticipationId};

use crate::idempotency::{self, Made};
use crate::{ChallengeStore, challenges};

/// Lets a tester's browser join a challenge.
#[derive(Clone, Debug)]
pub struct JoinChallenge {
    /// The participation: new, so started now.
    pub participation: Participation,
    /// The keyed hash by which the tester's browser is known.
    pub browser_hash: [u8; 32],
    /// How a repetition is recognised, if the client asked for that.
    pub idempotency: Option<Idempotency>,
}

/// What came of joining.
#[derive(Clone, Debug)]
pub enum JoinOutcome {
    /// The participation has begun.
    Joined,
    /// The same was asked before under the same key: this is what came of it.
    Replay(Made),
    /// The key was used for something else.
    KeyConflict,
    /// There is no such challenge.
    NoChallenge,
    /// The challenge is complete, closed or over.
    Inactive,
    /// This browser has a live or successful participation with this provider already.
    AlreadyJoined,
}

/// Whoever shares one of these with another waits for what becomes of that one.
#[derive(PartialEq, Eq, Hash)]
enum Shared<'a> {
    IdempotencyKey(ChallengeId, &'a str),
    Browser(&'a [u8; 32]),
}

impl Write for JoinChallenge {
    type Outcome = JoinOutcome;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<JoinOutcome>, StoreError> {
        let slices = split_on_conflict(writes, Self::shared);
        if slices.len() > 1 {
            // All at once, or each run would begin with its first challenge again.
            challenges::lock(
                transaction,
                writes.iter().map(|write| write.participation.challenge_id),
            )
            .await?;
        }
        let mut outcomes = Vec::with_capacity(writes.len());
        for slice in slices {
            outcomes.extend(apply_slice(slice, transaction).await?);
        }
        Ok(outcomes)
    }
}

async fn apply_slice(
    slice: &[JoinChallenge],
    transaction: &Transaction<'_>,
) -> Result<Vec<JoinOutcome>, StoreError> {
    let challenges =
        challenges::lock(transaction, slice.iter().map(|write| write.participation.challenge_id))
            .await?;
    let mut earlier = idempotency::find_each(transaction, slice).await?;
    let joined = have_joined(transaction, slice).await?;
    let outcomes: Vec<JoinOutcome> = slice
        .iter()
        .map(|write| {
            let JoinChallenge { participation, idempotency, .. } = write;
            let (challenge_id, now) = (participation.challenge_id, participation.joined_at);
            if let Some(Idempotency { key, fingerprint, .. }) = idempotency {
                let earlier = earlier.remove(&(challenge_id, key.as_str().to_owned()));
                match KeyClaim::of(earlier, *fingerprint) {
                    KeyClaim::Replay(made) => return JoinOutcome::Replay(made),
                    KeyClaim::Conflict => return JoinOutcome::KeyConflict,
                    KeyClaim::Fresh => {}
                }
            }
            match challenges.get(&challenge_id) {
                None => JoinOutcome::NoChallenge,
                Some(record) if !record.challenge.is_active_at(now) => JoinOutcome::Inactive,
                Some(record)
                    if !record.stamps().allow_duplicates && joined.contains(&participation.id) =>
                {
                    JoinOutcome::AlreadyJoined
                }
                Some(_) => JoinOutcome::Joined,
            }
        })
        .collect();
    let admitted: Vec<&JoinChallenge> = slice
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| matches!(outcome, JoinOutcome::Joined))
        .map(|(write, _)| write)
        .collect();
    let rows: Vec<_> = admitted.iter().map(|write| write.row()).collect();
    transaction.execute_each(&INSERT, &rows).await?;
    idempotency::claim_each(transaction, &admitted).await?;
    Ok(outcomes)
}

/// Those whose browser has a live or successful participation with the same provider. One that
/// should have lapsed does not count, written down or not.
async fn have_joined(
    transaction: &Transaction<'_>,
    slice: &[JoinChallenge],
) -> Result<HashSet<ParticipationId>, StoreError> {
    let rows: Vec<_> = slice
        .iter()
        .map(|JoinChallenge { participation, browser_hash, .. }| {
            [
                participation.id.as_bytes().into(),
                participation.challenge_id.as_bytes().into(),
                participation.provider_id.as_str().into(),
                browser_hash.into(),
                participation.joined_at.into(),
            ]
        })
        .collect();
    let found = transaction
        .query_each(&HAVE_JOINED, &rows, |row| {
            row.bytes("newcomer").map(ParticipationId::from_bytes)
        })
        .await?;
    Ok(found.into_iter().collect())
}

static HAVE_JOINED: Sql = Sql::each(
    "SELECT each.newcomer AS newcomer {from each} WHERE EXISTS (
        SELECT 1 FROM participations
        WHERE challenge_id = each.challenge AND provider_id = each.provider AND browser_hash = each.browser
            AND status IN ('started', 'claimed') AND (status = 'claimed' OR lapses_at > each.now))",
    &[
        ("newcomer", Kind::Bytes),
        ("challenge", Kind::Bytes),
        ("provider", Kind::Text),
        ("browser", Kind::Bytes),
        ("now", Kind::Integer),
    ],
);

static INSERT: Sql = Sql::each(
    "INSERT INTO participations (challenge_id, id, provider_id, platform, status, browser_hash, joined_at, lapses_at)
    {row of each}",
    &[
        ("challenge_id", Kind::Bytes),
        ("id", Kind::Bytes),
        ("provider_id", Kind::Text),
        ("platform", Kind::Text),
        ("status", Kind::Text),
        ("browser_hash", Kind::Bytes),
        ("joined_at", Kind::Integer),
        ("lapses_at", Kind::Integer),
    ],
);

impl JoinChallenge {
    fn shared(&self) -> Vec<Shared<'_>> {
        let challenge_id = self.participation.challenge_id;
        let key = self
            .idempotency
            .as_ref()
            .map(|it| Shared::IdempotencyKey(challenge_id, it.key.as_str()));
        key.into_iter().chain([Shared::Browser(&self.browser_hash)]).collect()
    }

    fn row(&self) -> [Value<'_>; 8] {
        let Participation {
            id,
            challenge_id,
            provider_id,
            platform,
            recorded_status,
            joined_at,
            lapses_at,
        } = &self.participation;
        [
            challenge_id.as_bytes().into(),
            id.as_bytes().into(),
            provider_id.as_str().into(),
            platform.as_str().into(),
            recorded_status.as_str().into(),
            (&self.browser_hash).into(),
            (*joined_at).into(),
            (*lapses_at).into(),
        ]
    }
}

impl ChallengeStore {
    /// Lets a tester join.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn join_challenge(&self, write: JoinChallenge) -> Result<JoinOutcome, StoreError> {
        self.database.write(write).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_joins_a_crowd_is_not_compared_with_everybody_in_it() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for migration in crate::SCHEMA.migrations {
            connection.execute_batch(migration.sqlite).unwrap();
        }
        let plan = format!("EXPLAIN QUERY PLAN {}", HAVE_JOINED.sqlite());
        let mut steps = connection.prepare(&plan).unwrap();
        let steps = steps
            .query_map([(); 5].map(|()| rusqlite::types::Null), |row| {
                row.get::<_, String>("detail")
            })
            .unwrap();
        let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
        assert!(
            steps.iter().any(|step| step.contains("INDEX participations_by_browser")),
            "{steps:?}"
        );
    }
}
