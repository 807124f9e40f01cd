//! What testers' idempotency keys were used for (§4). A key is valid for one challenge.

use std::collections::HashMap;

use db::{
    ClaimRow, Earlier, Idempotency, IdempotencyRecords, KeyClaim, Kind, Lookup, Row, ScopedKey,
    Sql, StoreError, Transaction, Write, apply_each,
};
use domain::idempotency::{Fingerprint, IdempotencyKey};
use domain::participation::Participation;
use domain::{ChallengeId, Timestamp};

use crate::ChallengeStore;
use crate::joining::JoinChallenge;
use crate::participations::{participation_columns, read_participation};

/// What a request made that claimed a key.
#[derive(Clone, Debug)]
pub struct Made {
    /// The participation that it began, as it is now.
    pub participation: Participation,
    /// The keyed hash by which the browser is known that sent it.
    pub browser_hash: [u8; 32],
}

/// The query for live records; `$records` selects them.
macro_rules! find_records {
    ($records:literal) => {
        concat!(
            "SELECT fingerprint, record_key, browser_hash, ",
            participation_columns!(),
            " FROM (
                SELECT record.challenge_id AS record_challenge_id, record.key AS record_key,
                    record.fingerprint AS fingerprint, record.participation_id AS record_participation_id
                FROM idempotency_records AS record ",
            $records,
            ") AS record
            JOIN participations ON challenge_id = record_challenge_id AND id = record_participation_id"
        )
    };
}

static RECORDS: IdempotencyRecords<ChallengeId, Made, 5> = IdempotencyRecords {
    // The challenge is locked, and no live record was found: so what is replaced has expired.
    claim: Sql::each(
        "INSERT INTO idempotency_records (challenge_id, key, fingerprint, participation_id, expires_at)
        {row of each}
        ON CONFLICT (challenge_id, key) DO UPDATE SET
            fingerprint = excluded.fingerprint, participation_id = excluded.participation_id,
            expires_at = excluded.expires_at
        {returning challenge_id, key}",
        &[
            ("challenge_id", Kind::Bytes),
            ("key", Kind::Text),
            ("fingerprint", Kind::Bytes),
            ("participation_id", Kind::Bytes),
            ("expires_at", Kind::Integer),
        ],
    ),
    read_key: |row| Ok((row.bytes("challenge_id").map(ChallengeId::from_bytes)?, row.text("key")?.to_owned())),
    find_each: Sql::each(
        find_records!(
            "{join each on} record.challenge_id = each.challenge AND record.key = each.key
                AND record.expires_at > each.now"
        ),
        &[("challenge", Kind::Bytes), ("key", Kind::Text), ("now", Kind::Integer)],
    ),
    find: Sql::new(find_records!("WHERE record.challenge_id = $1 AND record.key = $2 AND record.expires_at > $3")),
    read,
    prune: Sql::new(
        "DELETE FROM idempotency_records WHERE (challenge_id, key) IN (
            SELECT challenge_id, key FROM idempotency_records WHERE expires_at <= $1
            ORDER BY expires_at LIMIT $2 {skip locked})",
    ),
    appended: None,
};

fn read(row: &Row<'_>) -> Result<(ScopedKey<ChallengeId>, Earlier<Made>), StoreError> {
    let participation = read_participation(row)?;
    let key = (participation.challenge_id, row.text("record_key")?.to_owned());
    let fingerprint = Fingerprint::from_bytes(row.bytes("fingerprint")?);
    let made = Made { participation, browser_hash: row.bytes("browser_hash")? };
    Ok((key, Earlier { fingerprint, made }))
}

/// What the keys of these requests were used for.
pub(crate) async fn find_each(
    transaction: &Transaction<'_>,
    writes: &[JoinChallenge],
) -> Result<HashMap<ScopedKey<ChallengeId>, Earlier<Made>>, StoreError> {
    let keys: Vec<_> = writes
        .iter()
        .filter_map(|JoinChallenge { participation, idempotency, .. }| {
            let key = &idempotency.as_ref()?.key;
            Some((&participation.challenge_id, key, participation.joined_at))
        })
        .collect();
    RECORDS.find_each(transaction, &keys).await
}

/// Claims the keys of these requests, which [`find_each`] found free while their challenges were
/// locked.
pub(crate) async fn claim_each(
    transaction: &Transaction<'_>,
    writes: &[&JoinChallenge],
) -> Result<(), StoreError> {
    let claims =
        writes.iter().filter_map(|JoinChallenge { participation, idempotency, .. }| {
            let idempotency = idempotency.as_ref()?;
            let Idempotency { key, fingerprint, expires_at } = idempotency;
            let columns = [
                (&participation.challenge_id).into(),
                key.as_str().into(),
                fingerprint.as_bytes().into(),
                participation.id.as_bytes().into(),
                (*expires_at).into(),
            ];
            Some(ClaimRow { scope: participation.challenge_id, idempotency, columns })
        });
    let claimed = RECORDS.claim(transaction, claims.collect()).await?;
    if claimed.iter().all(|claim| matches!(claim, KeyClaim::Fresh)) {
        return Ok(());
    }
    Err(StoreError::Internal("a free idempotency key could not be claimed".into()))
}

/// Deletes expired records (§4).
#[derive(Clone, Debug)]
pub struct PruneIdempotencyRecords {
    /// The present.
    pub now: Timestamp,
    /// How many at most: this bounds how long other writes wait.
    pub limit: u32,
}

impl Write for PruneIdempotencyRecords {
    /// How many were deleted.
    type Outcome = u64;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<u64>, StoreError> {
        apply_each(writes, async |write| RECORDS.prune(transaction, write.now, write.limit).await)
            .await
    }
}

impl ChallengeStore {
    /// What this key was used for at this challenge, if it is valid at `now`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn earlier(
        &self,
        challenge_id: ChallengeId,
        key: &IdempotencyKey,
        now: Timestamp,
        lookup: Lookup,
    ) -> Result<Option<Earlier<Made>>, StoreError> {
        RECORDS.find(&self.database, &challenge_id, key, now, lookup).await
    }

    /// Deletes a batch of expired records; how many they were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn prune_idempotency_records(
        &self,
        write: PruneIdempotencyRecords,
    ) -> Result<u64, StoreError> {
        self.database.write(write).await
    }
}
