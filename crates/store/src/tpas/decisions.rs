//! What becomes of participations: stamps, first come, first served (§10).

use domain::claim::{Outcome, decide};
use domain::participation::{Participation, Status};
use domain::{ChallengeId, ParticipationId, Timestamp};
use rusqlite::Transaction;

use super::challenges::{self, ChallengeRecord};
use super::{TpasStore, participations};
use crate::StoreError;
use crate::sqlite::{Unit, prepare};

/// How a verification ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A person was verified.
    Completed {
        /// The keyed hash by which the person is known.
        subject_hash: [u8; 32],
    },
    /// Nobody was.
    Failed,
}

/// Decides what becomes of a participation whose verification has ended.
#[derive(Clone, Debug)]
pub struct DecideParticipation {
    /// Which.
    pub id: ParticipationId,
    /// How the verification ended.
    pub verdict: Verdict,
    /// When.
    pub now: Timestamp,
}

/// What became of a participation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// Where the participation stands now.
    pub status: Status,
    /// Whether this is news: an outcome that is told twice, or too late, changes nothing.
    pub is_new: bool,
}

impl Unit for DecideParticipation {
    /// `None` when there is no such participation.
    type Outcome = Option<Decision>;

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Option<Decision>> {
        let Self { id, verdict, now } = self;
        let Some(participation) = participations::read_one(transaction, *id)? else { return Ok(None) };
        let Some(record) = challenges::read_one(transaction, participation.challenge_id)? else { return Ok(None) };
        let outcome = match verdict {
            Verdict::Completed { subject_hash } => {
                Outcome::Completed { holds_a_stamp: holds_a_stamp(transaction, &participation, subject_hash)? }
            }
            Verdict::Failed => Outcome::Failed,
        };
        let decided = decide(&participation, &record.challenge, record.stamps(), outcome, *now);
        let challenge_id = participation.challenge_id;
        let Some(status) = decided else {
            return Ok(Some(Decision { challenge_id, status: participation.status_at(*now), is_new: false }));
        };
        conclude(transaction, &participation, status, *now)?;
        if let (Status::Claimed, Verdict::Completed { subject_hash }) = (status, verdict) {
            grant(transaction, &record, &participation, subject_hash, *now)?;
        }
        Ok(Some(Decision { challenge_id, status, is_new: true }))
    }
}

fn holds_a_stamp(
    transaction: &Transaction<'_>,
    participation: &Participation,
    subject_hash: &[u8; 32],
) -> rusqlite::Result<bool> {
    const SQL: &str = "SELECT 1 FROM stamp_claims WHERE challenge_id = $1 AND provider_id = $2 AND subject_hash = $3";
    let Participation { challenge_id, provider_id, .. } = participation;
    prepare(transaction, SQL)?.exists((challenge_id.as_bytes(), provider_id.as_str(), subject_hash))
}

fn conclude(
    transaction: &Transaction<'_>,
    participation: &Participation,
    status: Status,
    now: Timestamp,
) -> rusqlite::Result<()> {
    const SQL: &str = "
        UPDATE participations SET status = $1, decided_at = $2 WHERE challenge_id = $3 AND id = $4 AND status = 'started'";
    let Participation { id, challenge_id, .. } = participation;
    let updated = prepare(transaction, SQL)?.execute((
        status.as_str(),
        now.as_millis(),
        challenge_id.as_bytes(),
        id.as_bytes(),
    ))?;
    if updated == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(updated)) }
}

/// The stamp limit is this one conditional update: it numbers the stamp, and refuses one too many whatever was read before.
fn grant(
    transaction: &Transaction<'_>,
    record: &ChallengeRecord,
    participation: &Participation,
    subject_hash: &[u8; 32],
    now: Timestamp,
) -> rusqlite::Result<()> {
    const COUNT: &str = "
        UPDATE challenges SET stamp_claims = stamp_claims + 1,
            completed_at = CASE WHEN stamp_claims + 1 = max_stamp_claims THEN $1 END
        WHERE id = $2 AND stamp_claims < max_stamp_claims AND completed_at IS NULL AND closed_at IS NULL AND expires_at > $1
        RETURNING stamp_claims";
    const CLAIM: &str = "
        INSERT INTO stamp_claims (challenge_id, number, participation_id, provider_id, subject_hash, claimed_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let challenge_id = record.challenge.id;
    let number: u32 =
        prepare(transaction, COUNT)?.query_row((now.as_millis(), challenge_id.as_bytes()), |row| row.get(0))?;
    prepare(transaction, CLAIM)?.execute((
        challenge_id.as_bytes(),
        number,
        participation.id.as_bytes(),
        participation.provider_id.as_str(),
        subject_hash,
        now.as_millis(),
    ))?;
    Ok(())
}

/// Writes down that participations without an outcome in time have lapsed.
#[derive(Clone, Debug)]
pub struct LapseOverdue {
    /// The present.
    pub now: Timestamp,
    /// How many at most: small, so that nobody waits long behind it.
    pub limit: u32,
}

impl Unit for LapseOverdue {
    /// How many it were.
    type Outcome = usize;

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<usize> {
        const SQL: &str = "
            UPDATE participations SET status = 'lapsed', decided_at = lapses_at
            WHERE (challenge_id, id) IN (
                SELECT challenge_id, id FROM participations
                WHERE status = 'started' AND lapses_at <= $1 ORDER BY lapses_at LIMIT $2)";
        prepare(transaction, SQL)?.execute((self.now.as_millis(), self.limit))
    }
}

impl TpasStore {
    /// Decides what becomes of a participation; `None` when there is no such participation.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn decide_participation(&self, unit: DecideParticipation) -> Result<Option<Decision>, StoreError> {
        self.database.write(unit).await
    }

    /// Writes a batch of lapses down; how many it were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn lapse_overdue(&self, unit: LapseOverdue) -> Result<usize, StoreError> {
        self.database.write(unit).await
    }
}
