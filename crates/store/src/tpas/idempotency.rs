//! What testers' idempotency keys were used for (§4).

use std::collections::HashMap;

use domain::idempotency::{Fingerprint, IdempotencyKey};
use domain::participation::Participation;
use domain::{ChallengeId, Timestamp};

use super::TpasStore;
use super::joining::JoinChallenge;
use super::participations::{participation_columns, read_participation};
use crate::StoreError;
use crate::row::Row;
use crate::sql::{Kind, Sql};
use crate::unit::{Transaction, Unit, one_by_one};
use crate::value::Value;

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

/// What live records say of keys, with what came of them.
macro_rules! earlier {
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

/// What these requests' keys were used for.
pub(super) async fn find_each(
    transaction: &Transaction<'_>,
    units: &[JoinChallenge],
) -> Result<HashMap<(ChallengeId, String), Earlier>, StoreError> {
    static SQL: Sql = Sql::each(
        earlier!(
            "{join each on} record.challenge_id = each.challenge AND record.key = each.key AND record.expires_at > each.now"
        ),
        &[("challenge", Kind::Bytes), ("key", Kind::Text), ("now", Kind::Integer)],
    );
    let rows: Vec<_> = units
        .iter()
        .filter_map(|JoinChallenge { participation, idempotency, .. }| {
            let key = &idempotency.as_ref()?.key;
            Some([participation.challenge_id.as_bytes().into(), key.as_str().into(), participation.joined_at.into()])
        })
        .collect();
    Ok(transaction.query_each(&SQL, &rows, read_earlier).await?.into_iter().collect())
}

/// Takes the keys of these requests, which [`find_each`] has found free while their challenges were locked.
pub(super) async fn take_each(transaction: &Transaction<'_>, units: &[&JoinChallenge]) -> Result<(), StoreError> {
    static SQL: Sql = Sql::each(
        "INSERT INTO idempotency_records (challenge_id, key, fingerprint, participation_id, expires_at)
        {row of each}
        ON CONFLICT (challenge_id, key) DO UPDATE SET
            fingerprint = excluded.fingerprint, participation_id = excluded.participation_id, expires_at = excluded.expires_at",
        &[
            ("challenge_id", Kind::Bytes),
            ("key", Kind::Text),
            ("fingerprint", Kind::Bytes),
            ("participation_id", Kind::Bytes),
            ("expires_at", Kind::Integer),
        ],
    );
    let rows: Vec<_> = units
        .iter()
        .filter_map(|JoinChallenge { participation, idempotency, .. }| {
            let idempotency = idempotency.as_ref()?;
            Some([
                participation.challenge_id.as_bytes().into(),
                idempotency.key.as_str().into(),
                idempotency.fingerprint.as_bytes().into(),
                participation.id.as_bytes().into(),
                idempotency.expires_at.into(),
            ])
        })
        .collect();
    transaction.execute_each(&SQL, &rows).await?;
    Ok(())
}

fn read_earlier(row: &Row<'_>) -> Result<((ChallengeId, String), Earlier), StoreError> {
    let participation = read_participation(row)?;
    let key = (participation.challenge_id, row.text("record_key")?.to_owned());
    let fingerprint = Fingerprint::from_bytes(row.bytes("fingerprint")?);
    Ok((key, Earlier { fingerprint, participation, browser_hash: row.bytes("browser_hash")? }))
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
    type Outcome = u64;

    async fn decide(units: &[Self], transaction: &Transaction<'_>) -> Result<Vec<u64>, StoreError> {
        static SQL: Sql = Sql::new(
            "DELETE FROM idempotency_records WHERE (challenge_id, key) IN (
                SELECT challenge_id, key FROM idempotency_records WHERE expires_at <= $1
                ORDER BY expires_at LIMIT $2 {skip locked})",
        );
        one_by_one(units, async |Self { now, limit }| {
            transaction.execute(&SQL, &[(*now).into(), (*limit).into()]).await
        })
        .await
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
        static SQL: Sql =
            Sql::new(earlier!("WHERE record.challenge_id = $1 AND record.key = $2 AND record.expires_at > $3"));
        let parameters = [challenge_id.as_bytes().into(), key.as_str().into(), now.into()];
        let found = self.database.find(&SQL, parameters.map(Value::into_owned).into(), read_earlier).await?;
        Ok(found.map(|(_, earlier)| earlier))
    }

    /// Deletes a batch of expired records; how many it were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn prune_idempotency_records(&self, unit: PruneIdempotencyRecords) -> Result<u64, StoreError> {
        self.database.write(unit).await
    }
}
