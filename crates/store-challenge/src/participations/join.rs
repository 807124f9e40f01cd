//! Joins a tester's browser to a challenge (§10).

use std::collections::HashSet;

use db::{
    Idempotency, KeyClaim, Sql, StoreError, Transaction, Write, split_on_conflict, write_columns,
};
use domain::idempotency::IdempotencyKey;
use domain::participation::{LONGEST_WAIT, Participation};
use domain::{ChallengeId, ParticipationId, Timestamp};

use crate::counts::Counts;
use crate::idempotency::{self, Claim, IdempotentResult};
use crate::{ChallengeStore, challenges};

/// Joins a tester's browser to a challenge.
#[derive(Clone, Debug)]
pub struct JoinChallenge {
    /// The participation, which has started.
    pub participation: Participation,
    /// The HMAC of the browser's identity.
    pub browser_hash: [u8; 32],
    /// The idempotency key, if the client sent one.
    pub idempotency: Option<Idempotency>,
}

/// Whether a browser has joined.
#[derive(Clone, Debug)]
pub enum JoinOutcome {
    /// The participation is stored.
    Joined,
    /// The same request claimed the key before. This is its result.
    Replay(IdempotentResult),
    /// The key was used for another request.
    KeyConflict,
    /// The challenge does not exist.
    NoChallenge,
    /// The challenge is complete or closed, or has expired.
    Inactive,
    /// The browser has a started or successful participation with the provider.
    AlreadyJoined,
}

write_columns! {
    /// A new row of `participations`.
    ParticipationRow(JoinChallenge) = |JoinChallenge {
        participation: Participation {
            id,
            challenge_id,
            provider_id,
            platform,
            recorded_status,
            failure_reason: _,
            verification_started_at: _,
            joined_at,
            lapses_at,
        },
        browser_hash,
        idempotency: _,
    }| {
        challenge_id: Bytes = challenge_id.as_bytes(),
        id: Bytes = id.as_bytes(),
        provider_id: Text = provider_id.as_str(),
        platform: Text = platform.as_str(),
        status: Text = recorded_status.as_str(),
        browser_hash: Bytes = browser_hash,
        joined_at: Integer = *joined_at,
        lapses_at: Integer = *lapses_at,
    }
}

static INSERT: Sql =
    Sql::each("INSERT INTO participations {row of each}", &ParticipationRow::COLUMNS);

write_columns! {
    /// A participation, and what identifies an earlier one of the same browser.
    NewcomerRow(JoinChallenge) = |JoinChallenge { participation, browser_hash, .. }| {
        newcomer: Bytes = participation.id.as_bytes(),
        challenge: Bytes = participation.challenge_id.as_bytes(),
        provider: Text = participation.provider_id.as_str(),
        browser: Bytes = browser_hash,
        now: Integer = participation.joined_at,
        latest: Integer = participation.joined_at.plus(LONGEST_WAIT),
    }
}

static HAVE_JOINED: Sql = Sql::each(
    "SELECT each.newcomer AS newcomer {from each} WHERE EXISTS (
        SELECT 1 FROM participations
        WHERE challenge_id = each.challenge AND provider_id = each.provider
            AND browser_hash = each.browser AND status IN ('started', 'claimed')
            AND (status = 'claimed' OR lapses_at BETWEEN each.now + 1 AND each.latest))",
    &NewcomerRow::COLUMNS,
);

/// Two writes with the same conflict key are not applied by the same statement: the later one
/// depends on the outcome of the earlier one.
#[derive(PartialEq, Eq, Hash)]
enum ConflictKey<'a> {
    IdempotencyKey(ChallengeId, &'a str),
    Browser(&'a [u8; 32]),
}

impl Write for JoinChallenge {
    type Outcome = JoinOutcome;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<JoinOutcome>, StoreError> {
        let slices = split_on_conflict(writes, Self::conflict_keys);
        if slices.len() > 1 {
            // Locks the challenges of all slices at once. Slice by slice, the order would start
            // again with each slice, and transactions could deadlock.
            challenges::lock(
                transaction,
                writes.iter().map(|write| write.participation.challenge_id),
            )
            .await?;
        }
        let mut outcomes = Vec::with_capacity(writes.len());
        let mut counts = Counts::default();
        for slice in slices {
            outcomes.extend(apply_slice(slice, &mut counts, transaction).await?);
        }
        counts.store(transaction).await?;
        Ok(outcomes)
    }
}

async fn apply_slice(
    slice: &[JoinChallenge],
    counts: &mut Counts,
    transaction: &Transaction<'_>,
) -> Result<Vec<JoinOutcome>, StoreError> {
    let challenge_ids = slice.iter().map(|write| write.participation.challenge_id);
    let challenges = challenges::lock(transaction, challenge_ids).await?;
    let keys: Vec<_> = slice.iter().filter_map(JoinChallenge::lookup_key).collect();
    let mut earlier = idempotency::find_each(transaction, &keys).await?;
    let joined = have_joined(transaction, slice).await?;
    let outcome = |write: &JoinChallenge| {
        let JoinChallenge { participation, idempotency, .. } = write;
        let (challenge_id, now) = (participation.challenge_id, participation.joined_at);
        if let Some(Idempotency { key, fingerprint, .. }) = idempotency {
            let earlier = earlier.remove(&(challenge_id, key.as_str().to_owned()));
            match KeyClaim::of(earlier, *fingerprint) {
                KeyClaim::Replay(result) => return JoinOutcome::Replay(result),
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
    };
    let outcomes: Vec<JoinOutcome> = slice.iter().map(outcome).collect();
    let admitted = slice.iter().zip(&outcomes);
    let admitted = admitted.filter(|(_, outcome)| matches!(outcome, JoinOutcome::Joined));
    let admitted: Vec<&JoinChallenge> = admitted.map(|(write, _)| write).collect();
    for write in &admitted {
        counts.add_joined(&write.participation);
    }
    let rows: Vec<_> = admitted.iter().map(|write| ParticipationRow::of(write)).collect();
    transaction.execute_each(&INSERT, &rows).await?;
    let claims: Vec<_> = admitted.iter().filter_map(|write| write.claim()).collect();
    idempotency::claim_each(transaction, &claims).await?;
    Ok(outcomes)
}

/// The new participations whose browser has a started or successful one with the same provider. One
/// that is overdue does not count, whether or not it is recorded as lapsed.
async fn have_joined(
    transaction: &Transaction<'_>,
    slice: &[JoinChallenge],
) -> Result<HashSet<ParticipationId>, StoreError> {
    let rows: Vec<_> = slice.iter().map(NewcomerRow::of).collect();
    let found = transaction
        .query_each(&HAVE_JOINED, &rows, |row| {
            row.bytes("newcomer").map(ParticipationId::from_bytes)
        })
        .await?;
    Ok(found.into_iter().collect())
}

impl JoinChallenge {
    fn conflict_keys(&self) -> Vec<ConflictKey<'_>> {
        let challenge_id = self.participation.challenge_id;
        let key = self
            .idempotency
            .as_ref()
            .map(|it| ConflictKey::IdempotencyKey(challenge_id, it.key.as_str()));
        key.into_iter().chain([ConflictKey::Browser(&self.browser_hash)]).collect()
    }

    fn lookup_key(&self) -> Option<(&ChallengeId, &IdempotencyKey, Timestamp)> {
        let Participation { challenge_id, joined_at, .. } = &self.participation;
        Some((challenge_id, &self.idempotency.as_ref()?.key, *joined_at))
    }

    fn claim(&self) -> Option<Claim<'_>> {
        let Participation { id, challenge_id, .. } = self.participation;
        let idempotency = self.idempotency.as_ref()?;
        Some(Claim { challenge_id, idempotency, participation_id: id })
    }
}

impl ChallengeStore {
    /// Joins a tester's browser to a challenge (§10).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn join_challenge(&self, write: JoinChallenge) -> Result<JoinOutcome, StoreError> {
        self.database.write(write).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_for_an_earlier_participation_uses_an_index() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for migration in crate::SCHEMA.migrations {
            connection.execute_batch(migration.sqlite).unwrap();
        }
        let plan = format!("EXPLAIN QUERY PLAN {}", HAVE_JOINED.sqlite());
        let mut steps = connection.prepare(&plan).unwrap();
        let steps = steps
            .query_map([(); 6].map(|()| rusqlite::types::Null), |row| {
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
