//! What testers' idempotency keys were used for (§4).

use domain::idempotency::{Fingerprint, IdempotencyKey};
use domain::participation::Participation;
use domain::{ChallengeId, ParticipationId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::TpasStore;
use super::participations::read_one;
use crate::sqlite::{Unit, prepare};
use crate::{Idempotency, StoreError};

/// What a key was used for before.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// What was asked for then.
    pub fingerprint: Fingerprint,
    /// What came of it, as it is now.
    pub participation: Participation,
    /// The keyed hash by which the browser is known that asked then.
    pub browser_hash: [u8; 32],
}

/// What has the key, if it is not free.
pub(super) fn find(
    connection: &Connection,
    challenge_id: ChallengeId,
    key: &IdempotencyKey,
    now: Timestamp,
) -> rusqlite::Result<Option<Earlier>> {
    const SQL: &str = "
        SELECT record.fingerprint, record.participation_id, participation.browser_hash
        FROM idempotency_records AS record
        JOIN participations AS participation
            ON participation.challenge_id = record.challenge_id AND participation.id = record.participation_id
        WHERE record.challenge_id = $1 AND record.key = $2 AND record.expires_at > $3";
    let record: Option<(Fingerprint, ParticipationId, [u8; 32])> = prepare(connection, SQL)?
        .query_row((challenge_id.as_bytes(), key.as_str(), now.as_millis()), |row| {
            let id = ParticipationId::from_bytes(row.get("participation_id")?);
            Ok((Fingerprint::from_bytes(row.get("fingerprint")?), id, row.get("browser_hash")?))
        })
        .optional()?;
    let Some((fingerprint, id, browser_hash)) = record else { return Ok(None) };
    Ok(read_one(connection, id)?.map(|participation| Earlier { fingerprint, participation, browser_hash }))
}

/// Takes a key that [`find`] has found free.
pub(super) fn take(
    transaction: &Transaction<'_>,
    idempotency: &Idempotency,
    participation: &Participation,
) -> rusqlite::Result<()> {
    const SQL: &str = "
        INSERT INTO idempotency_records (challenge_id, key, fingerprint, participation_id, expires_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (challenge_id, key) DO UPDATE SET
            fingerprint = excluded.fingerprint, participation_id = excluded.participation_id, expires_at = excluded.expires_at";
    let Idempotency { key, fingerprint, expires_at } = idempotency;
    prepare(transaction, SQL)?.execute((
        participation.challenge_id.as_bytes(),
        key.as_str(),
        fingerprint.as_bytes(),
        participation.id.as_bytes(),
        expires_at.as_millis(),
    ))?;
    Ok(())
}

/// Deletes records whose key is as good as new.
#[derive(Clone, Debug)]
pub struct PruneIdempotencyRecords {
    /// The present.
    pub now: Timestamp,
    /// How many at most: small, so that nobody waits long behind it.
    pub limit: u32,
}

impl Unit for PruneIdempotencyRecords {
    /// How many were deleted.
    type Outcome = usize;

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<usize> {
        const SQL: &str = "
            DELETE FROM idempotency_records WHERE (challenge_id, key) IN (
                SELECT challenge_id, key FROM idempotency_records WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
        prepare(transaction, SQL)?.execute((self.now.as_millis(), self.limit))
    }
}

impl TpasStore {
    /// What this key was used for at this challenge, unless that is as good as forgotten.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn earlier(
        &self,
        challenge_id: ChallengeId,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<Earlier>, StoreError> {
        let key = key.clone();
        self.database.read(move |connection| find(connection, challenge_id, &key, now)).await
    }

    /// Deletes a batch of expired records; how many it were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn prune_idempotency_records(&self, unit: PruneIdempotencyRecords) -> Result<usize, StoreError> {
        self.database.write(unit).await
    }
}
