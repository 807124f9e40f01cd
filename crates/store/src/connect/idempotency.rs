//! What idempotency keys were used for (§4).

use std::collections::{HashMap, HashSet};

use domain::challenge_request::ChallengeRequest;
use domain::idempotency::{Fingerprint, IdempotencyKey};
use domain::{Timestamp, WorkspaceId};

use super::ConnectStore;
use super::challenge_requests::{CreateChallengeRequest, CreateOutcome, read_request, request_columns};
use crate::row::Row;
use crate::sql::{Kind, Sql};
use crate::unit::{Transaction, Unit, one_by_one};
use crate::value::Value;
use crate::{Idempotency, StoreError};

/// What a key was used for before.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// What was asked for then.
    pub fingerprint: Fingerprint,
    /// What came of it, as it is now.
    pub request: ChallengeRequest,
}

/// A key that is valid for a day from now may take the place of one that was valid until now: 86,400,000 is a day in
/// milliseconds, [`domain::idempotency::VALIDITY`].
static TAKE: Sql = Sql::each(
    "INSERT INTO idempotency_records (workspace_id, key, fingerprint, client_id, request_id, expires_at)
    SELECT workspace_id, key, fingerprint, client_id, request_id, expires_at FROM {each} WHERE true
    ON CONFLICT (workspace_id, key) DO UPDATE SET
        fingerprint = excluded.fingerprint, client_id = excluded.client_id,
        request_id = excluded.request_id, sealed_secret = NULL, expires_at = excluded.expires_at
    WHERE idempotency_records.expires_at <= excluded.expires_at - 86400000
    RETURNING workspace_id, key",
    &[
        ("workspace_id", Kind::Text),
        ("key", Kind::Text),
        ("fingerprint", Kind::Bytes),
        ("client_id", Kind::Text),
        ("request_id", Kind::Bytes),
        ("expires_at", Kind::Integer),
    ],
);

/// What live records say of keys, with what came of them.
macro_rules! earlier {
    ($records:literal) => {
        concat!(
            "SELECT fingerprint, record_key, ",
            request_columns!(),
            " FROM (
                SELECT record.workspace_id AS record_workspace_id, record.key AS record_key, record.fingerprint AS fingerprint,
                    record.client_id AS record_client_id, record.request_id AS record_request_id
                FROM idempotency_records AS record ",
            $records,
            ") AS record
            JOIN challenge_requests ON workspace_id = record_workspace_id AND client_id = record_client_id
                AND id = record_request_id"
        )
    };
}

static EARLIER_OF_EACH: Sql = Sql::each(
    earlier!("JOIN {each} ON record.workspace_id = each.workspace_id AND record.key = each.key"),
    &[("workspace_id", Kind::Text), ("key", Kind::Text)],
);

/// Takes the keys of these requests, no two of which have the same: `None` where the key was free, or where there is none.
pub(super) async fn take(
    transaction: &Transaction<'_>,
    units: &[CreateChallengeRequest],
) -> Result<Vec<Option<CreateOutcome>>, StoreError> {
    let mut guarded: Vec<_> =
        units.iter().filter_map(|unit| unit.idempotency.as_ref().map(|it| (&unit.request, it))).collect();
    // In the same order everywhere, or two transactions could wait for each other.
    guarded.sort_unstable_by_key(|(request, idempotency)| (request.workspace_id.as_str(), idempotency.key.as_str()));
    let rows: Vec<_> = guarded.iter().map(|(request, idempotency)| row_of(request, idempotency)).collect();
    let taken: HashSet<(WorkspaceId, String)> =
        transaction.query_each(&TAKE, &rows, read_key).await?.into_iter().collect();
    let lost = guarded
        .iter()
        .map(|(request, idempotency)| (&request.workspace_id, idempotency.key.as_str()))
        .filter(|(workspace_id, key)| !taken.contains(&((*workspace_id).clone(), (*key).to_owned())));
    let lost: Vec<[Value<'_>; 2]> =
        lost.map(|(workspace_id, key)| [workspace_id.as_str().into(), key.into()]).collect();
    let mut earlier: HashMap<(WorkspaceId, String), Earlier> =
        transaction.query_each(&EARLIER_OF_EACH, &lost, read_earlier).await?.into_iter().collect();
    let outcome = |unit: &CreateChallengeRequest| {
        let Some(Idempotency { key, fingerprint, .. }) = &unit.idempotency else { return Ok(None) };
        let key = (unit.request.workspace_id.clone(), key.as_str().to_owned());
        match earlier.remove(&key) {
            _ if taken.contains(&key) => Ok(None),
            Some(earlier) if earlier.fingerprint == *fingerprint => {
                Ok(Some(CreateOutcome::Repeated(Box::new(earlier.request))))
            }
            Some(_) => Ok(Some(CreateOutcome::KeyConflict)),
            // Something else than an order came of it.
            None => Ok(Some(CreateOutcome::KeyConflict)),
        }
    };
    units.iter().map(outcome).collect()
}

fn row_of<'a>(request: &'a ChallengeRequest, idempotency: &'a Idempotency) -> [Value<'a>; 6] {
    let Idempotency { key, fingerprint, expires_at } = idempotency;
    [
        request.workspace_id.as_str().into(),
        key.as_str().into(),
        fingerprint.as_bytes().into(),
        request.client_id.as_str().into(),
        request.id.as_bytes().into(),
        (*expires_at).into(),
    ]
}

fn read_key(row: &Row<'_>) -> Result<(WorkspaceId, String), StoreError> {
    Ok((row.parsed("workspace_id")?, row.text("key")?.to_owned()))
}

fn read_earlier(row: &Row<'_>) -> Result<((WorkspaceId, String), Earlier), StoreError> {
    let request = read_request(row)?;
    let key = (request.workspace_id.clone(), row.text("record_key")?.to_owned());
    Ok((key, Earlier { fingerprint: Fingerprint::from_bytes(row.bytes("fingerprint")?), request }))
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
            "DELETE FROM idempotency_records WHERE (workspace_id, key) IN (
                SELECT workspace_id, key FROM idempotency_records WHERE expires_at <= $1
                ORDER BY expires_at LIMIT $2 {skip locked})",
        );
        one_by_one(units, async |Self { now, limit }| {
            transaction.execute(&SQL, &[(*now).into(), (*limit).into()]).await
        })
        .await
    }
}

impl ConnectStore {
    /// What the workspace used this key for, unless that is as good as forgotten.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn earlier(
        &self,
        workspace_id: &WorkspaceId,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<Earlier>, StoreError> {
        static SQL: Sql =
            Sql::new(earlier!("WHERE record.workspace_id = $1 AND record.key = $2 AND record.expires_at > $3"));
        let parameters = [workspace_id.as_str().into(), key.as_str().into(), now.into()];
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_in_the_query_is_the_validity_of_a_key() {
        assert_eq!(domain::idempotency::VALIDITY.as_millis(), 86_400_000);
        assert!(TAKE.sqlite().contains("- 86400000"));
    }
}
