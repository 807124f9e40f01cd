//! Joining a challenge (§10).

use domain::participation::{Participation, Status};
use domain::{ChallengeId, ParticipationId, Platform};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use super::{TpasStore, challenges, idempotency};
use crate::sqlite::{RowExt, Unit, prepare};
use crate::{Idempotency, StoreError};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinOutcome {
    /// The participation has begun.
    Joined,
    /// The same was asked before under the same key: this is what came of it.
    Repeated(Participation),
    /// The key was used for something else.
    KeyConflict,
    /// There is no such challenge.
    NoChallenge,
    /// The challenge is complete, closed or over.
    Inactive,
    /// This browser has a live or successful participation with this provider already.
    AlreadyJoined,
}

impl Unit for JoinChallenge {
    type Outcome = JoinOutcome;

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<JoinOutcome> {
        let Self { participation, browser_hash, idempotency } = self;
        let (challenge_id, now) = (participation.challenge_id, participation.joined_at);
        if let Some(idempotency) = idempotency
            && let Some(earlier) = idempotency::find(transaction, challenge_id, &idempotency.key, now)?
        {
            return Ok(if earlier.fingerprint == idempotency.fingerprint {
                JoinOutcome::Repeated(earlier.participation)
            } else {
                JoinOutcome::KeyConflict
            });
        }
        let Some(record) = challenges::read_one(transaction, challenge_id)? else {
            return Ok(JoinOutcome::NoChallenge);
        };
        if !record.challenge.is_active_at(now) {
            return Ok(JoinOutcome::Inactive);
        }
        if !record.stamps().allow_duplicates && has_joined(transaction, participation, browser_hash)? {
            return Ok(JoinOutcome::AlreadyJoined);
        }
        insert(transaction, participation, browser_hash)?;
        if let Some(idempotency) = idempotency {
            idempotency::take(transaction, idempotency, participation)?;
        }
        Ok(JoinOutcome::Joined)
    }
}

/// Whether this browser has a live or successful participation with the same provider. One that should have lapsed does not
/// count, written down or not.
fn has_joined(
    transaction: &Transaction<'_>,
    participation: &Participation,
    browser_hash: &[u8; 32],
) -> rusqlite::Result<bool> {
    const SQL: &str = "
        SELECT 1 FROM participations
        WHERE challenge_id = $1 AND provider_id = $2 AND browser_hash = $3
            AND status IN ('started', 'claimed') AND (status = 'claimed' OR lapses_at > $4)";
    prepare(transaction, SQL)?.exists((
        participation.challenge_id.as_bytes(),
        participation.provider_id.as_str(),
        browser_hash,
        participation.joined_at.as_millis(),
    ))
}

fn insert(
    transaction: &Transaction<'_>,
    participation: &Participation,
    browser_hash: &[u8; 32],
) -> rusqlite::Result<()> {
    const SQL: &str = "
        INSERT INTO participations (challenge_id, id, provider_id, platform, status, browser_hash, joined_at, lapses_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let Participation { id, challenge_id, provider_id, platform, recorded_status, joined_at, lapses_at } =
        participation;
    prepare(transaction, SQL)?.execute((
        challenge_id.as_bytes(),
        id.as_bytes(),
        provider_id.as_str(),
        platform.as_str(),
        recorded_status.as_str(),
        browser_hash,
        joined_at.as_millis(),
        lapses_at.as_millis(),
    ))?;
    Ok(())
}

impl TpasStore {
    /// Lets a tester join.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn join_challenge(&self, unit: JoinChallenge) -> Result<JoinOutcome, StoreError> {
        self.database.write(unit).await
    }

    /// The participation of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn participation(&self, id: ParticipationId) -> Result<Option<Participation>, StoreError> {
        self.database.read(move |connection| read_one(connection, id)).await
    }
}

pub(super) fn read_one(connection: &Connection, id: ParticipationId) -> rusqlite::Result<Option<Participation>> {
    const SQL: &str = "
        SELECT challenge_id, id, provider_id, platform, status, joined_at, lapses_at FROM participations WHERE id = $1";
    prepare(connection, SQL)?.query_row((id.as_bytes(),), read_participation).optional()
}

fn read_participation(row: &Row<'_>) -> rusqlite::Result<Participation> {
    Ok(Participation {
        id: ParticipationId::from_bytes(row.get("id")?),
        challenge_id: ChallengeId::from_bytes(row.get("challenge_id")?),
        provider_id: row.parsed("provider_id")?,
        platform: row.parsed::<Platform>("platform")?,
        recorded_status: row.named("status", Status::from_name)?,
        joined_at: row.time("joined_at")?,
        lapses_at: row.time("lapses_at")?,
    })
}
