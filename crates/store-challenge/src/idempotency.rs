//! Idempotency records of testers' keys (§4). A key is valid for one challenge.

use std::collections::HashMap;

use db::{
    ClaimRow, Column, Idempotency, IdempotencyRecord, IdempotencyRecords, KeyClaim, KeyedRecord,
    Kind, Lookup, PruneIdempotencyRecords, Row, ScopedKey, Sql, StoreError, Transaction,
    lookup_columns, write_columns,
};
use domain::idempotency::{Fingerprint, IdempotencyKey};
use domain::participation::Participation;
use domain::{ChallengeId, ParticipationId, Timestamp};

use crate::ChallengeStore;
use crate::participations::PARTICIPATION;

/// The result of a request that claimed a key.
#[derive(Clone, Debug)]
pub struct IdempotentResult {
    /// The participation that it started, in its present state.
    pub participation: Participation,
    /// The HMAC of the browser's identity.
    pub browser_hash: [u8; 32],
}

/// A claim of a key, with the result of its request.
pub(crate) struct Claim<'a> {
    pub(crate) challenge_id: ChallengeId,
    pub(crate) idempotency: &'a Idempotency,
    pub(crate) participation_id: ParticipationId,
}

write_columns! {
    /// A row of `idempotency_records`.
    RecordRow(Claim<'_>) = |Claim {
        challenge_id,
        idempotency: Idempotency { key, fingerprint, expires_at },
        participation_id,
    }| {
        challenge_id: Bytes = challenge_id.as_bytes(),
        key: Text = key.as_str(),
        fingerprint: Bytes = fingerprint.as_bytes(),
        participation_id: Bytes = participation_id.as_bytes(),
        expires_at: Integer = *expires_at,
    }
}

const LOOKUP: [Column; 3] = lookup_columns(Kind::Bytes);

static RECORDS: IdempotencyRecords<ChallengeId, IdempotentResult, { RecordRow::COUNT }> =
    IdempotencyRecords {
        // The challenge is locked, and no live record was found, so a record that is replaced has
        // expired.
        claim: Sql::each(
            "INSERT INTO idempotency_records {row of each}
        ON CONFLICT (challenge_id, key) DO UPDATE SET
            fingerprint = excluded.fingerprint, participation_id = excluded.participation_id,
            expires_at = excluded.expires_at
        {returning challenge_id, key}",
            &RecordRow::COLUMNS,
        ),
        read_key,
        find: Sql::each(
            "SELECT record_key, fingerprint, browser_hash, {columns}
        FROM (
            SELECT record.challenge_id AS record_challenge_id, record.key AS record_key,
                record.fingerprint AS fingerprint,
                record.participation_id AS record_participation_id
            FROM idempotency_records AS record {join each on} record.challenge_id = each.scope
                AND record.key = each.key AND record.expires_at > each.now
        ) AS record
        JOIN participations ON challenge_id = record_challenge_id
            AND id = record_participation_id",
            &LOOKUP,
        )
        .reading(&PARTICIPATION),
        read,
        prune: Sql::new(
            "DELETE FROM idempotency_records WHERE (challenge_id, key) IN (
            SELECT challenge_id, key FROM idempotency_records WHERE expires_at <= $1
            ORDER BY expires_at LIMIT $2 {skip locked})",
        ),
        appended: None,
    };

fn read_key(row: &Row<'_>) -> Result<ScopedKey<ChallengeId>, StoreError> {
    Ok((ChallengeId::from_bytes(row.bytes("challenge_id")?), row.string("key")?))
}

fn read(row: &Row<'_>) -> Result<KeyedRecord<ChallengeId, IdempotentResult>, StoreError> {
    let key = row.string("record_key")?;
    let fingerprint = Fingerprint::from_bytes(row.bytes("fingerprint")?);
    let browser_hash = row.bytes("browser_hash")?;
    let participation = (PARTICIPATION.read)(row)?;
    let key = (participation.challenge_id, key);
    Ok((
        key,
        IdempotencyRecord { fingerprint, result: IdempotentResult { participation, browser_hash } },
    ))
}

/// The live records of these keys at these times.
pub(crate) async fn find_each(
    transaction: &Transaction<'_>,
    keys: &[(&ChallengeId, &IdempotencyKey, Timestamp)],
) -> Result<HashMap<ScopedKey<ChallengeId>, IdempotencyRecord<IdempotentResult>>, StoreError> {
    RECORDS.find_each(transaction, keys).await
}

/// Claims keys for which [`find_each`] has found no live record while their challenges were locked.
pub(crate) async fn claim_each(
    transaction: &Transaction<'_>,
    claims: &[Claim<'_>],
) -> Result<(), StoreError> {
    let rows = claims.iter().map(|claim| ClaimRow {
        scope: &claim.challenge_id,
        idempotency: claim.idempotency,
        columns: RecordRow::of(claim),
    });
    let claimed = RECORDS.claim(transaction, rows.collect()).await?;
    if claimed.iter().all(|claim| matches!(claim, KeyClaim::Fresh)) {
        return Ok(());
    }
    Err(StoreError::Internal("a free idempotency key could not be claimed".into()))
}

impl ChallengeStore {
    /// Deletes a batch of expired records of testers' keys (§4). Returns their number.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn prune_idempotency_records(
        &self,
        write: PruneIdempotencyRecords,
    ) -> Result<u64, StoreError> {
        RECORDS.prune(&self.database, write).await
    }

    /// The record of this key at this challenge, if it is valid at `now` (§4).
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn idempotency_record(
        &self,
        challenge_id: ChallengeId,
        key: &IdempotencyKey,
        now: Timestamp,
        lookup: Lookup,
    ) -> Result<Option<IdempotencyRecord<IdempotentResult>>, StoreError> {
        RECORDS.find(&self.database, &challenge_id, key, now, lookup).await
    }
}
