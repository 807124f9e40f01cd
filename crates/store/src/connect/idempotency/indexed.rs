//! On PostgreSQL: an index of the keys, which all processes share.

use std::collections::HashMap;

use domain::{RequestId, WorkspaceId};

use super::{Earlier, Record, earlier, read_earlier, repeated};
use crate::connect::challenge_requests::{
    CreateChallengeRequest, CreateOutcome, NEW, new_columns, request_columns, row_of,
};
use crate::row::Row;
use crate::sql::{Kind, Sql, joined};
use crate::unit::Transaction;
use crate::value::Value;
use crate::{Idempotency, StoreError};

/// A key that is valid for a day from now may take the place of one that was valid until now: 86,400,000 is a day in
/// milliseconds, [`domain::idempotency::VALIDITY`].
macro_rules! unless_live {
    () => {
        "ON CONFLICT (workspace_id, key) DO UPDATE SET
            fingerprint = excluded.fingerprint, client_id = excluded.client_id,
            request_id = excluded.request_id, sealed_secret = excluded.sealed_secret, expires_at = excluded.expires_at
        WHERE idempotency_records.expires_at <= excluded.expires_at - 86400000"
    };
}

static TAKE: Sql = Sql::each(
    concat!(
        "INSERT INTO idempotency_records (workspace_id, key, fingerprint, expires_at, client_id, request_id, sealed_secret)
        {row of each} ",
        unless_live!()
    ),
    &[
        ("workspace_id", Kind::Text),
        ("key", Kind::Text),
        ("fingerprint", Kind::Bytes),
        ("expires_at", Kind::Integer),
        ("client_id", Kind::Text),
        ("request_id", Kind::Bytes),
        ("sealed_secret", Kind::Bytes),
    ],
);

static EARLIER_OF_EACH: Sql = Sql::each(
    earlier!("{join each on} record.workspace_id = each.workspace_id AND record.key = each.key"),
    &[("workspace_id", Kind::Text), ("key", Kind::Text)],
);

/// Takes the keys, in the order of the rows, and stores the requests that have got theirs or need none: in one statement, because
/// every statement is a way to the database and back.
static CREATE: Sql = Sql::each(
    concat!(
        "WITH each AS MATERIALIZED ({row of each}),
        taken AS (
            INSERT INTO idempotency_records (workspace_id, key, fingerprint, expires_at, client_id, request_id)
            SELECT workspace_id, key, fingerprint, expires_at, client_id, id FROM each WHERE key IS NOT NULL ",
        unless_live!(),
        " RETURNING request_id)
        INSERT INTO challenge_requests (",
        new_columns!(),
        ") SELECT ",
        new_columns!(),
        " FROM each WHERE key IS NULL OR id IN (SELECT request_id FROM taken) {returning id}"
    ),
    &joined::<18, 3, 21>(&NEW, &[("key", Kind::Text), ("fingerprint", Kind::Bytes), ("expires_at", Kind::Integer)]),
);

/// A key of a workspace.
type Key = (WorkspaceId, String);

/// Stores new requests and takes their keys.
pub(super) async fn create(
    transaction: &Transaction<'_>,
    units: &[CreateChallengeRequest],
) -> Result<Vec<CreateOutcome>, StoreError> {
    let mut sorted: Vec<&CreateChallengeRequest> = units.iter().collect();
    // In the same order everywhere, or two transactions could wait for each other.
    sorted.sort_unstable_by_key(|unit| {
        (unit.request.workspace_id.as_str(), unit.idempotency.as_ref().map(|it| it.key.as_str()))
    });
    let rows: Vec<_> = sorted.iter().map(|unit| row_with_key(unit)).collect();
    let ids = sorted.iter().map(|unit| unit.request.id);
    let stored = transaction.change_each(&CREATE, &rows, ids, read_id).await?;
    let is_stored = |unit: &CreateChallengeRequest| stored.contains(&unit.request.id);

    let lost: Vec<[Value<'_>; 2]> = sorted
        .iter()
        .filter(|unit| !is_stored(unit))
        .filter_map(|CreateChallengeRequest { request, idempotency, lease: _ }| {
            Some([request.workspace_id.as_str().into(), idempotency.as_ref()?.key.as_str().into()])
        })
        .collect();
    let mut earlier: HashMap<Key, Earlier> =
        transaction.query_each(&EARLIER_OF_EACH, &lost, read_earlier).await?.into_iter().collect();
    let outcome = |unit: &CreateChallengeRequest| match &unit.idempotency {
        Some(idempotency) if !is_stored(unit) => {
            let key = (unit.request.workspace_id.clone(), idempotency.key.as_str().to_owned());
            repeated(idempotency, earlier.remove(&key))
        }
        _ => CreateOutcome::Created,
    };
    Ok(units.iter().map(outcome).collect())
}

fn row_with_key(unit: &CreateChallengeRequest) -> [Value<'_>; 21] {
    let guard = match &unit.idempotency {
        Some(Idempotency { key, fingerprint, expires_at }) => {
            [key.as_str().into(), fingerprint.as_bytes().into(), (*expires_at).into()]
        }
        None => [Value::Null, Value::Null, Value::Null],
    };
    let mut values = row_of(unit).into_iter().chain(guard);
    std::array::from_fn(|_| values.next().unwrap_or(Value::Null))
}

fn read_id(row: &Row<'_>) -> Result<RequestId, StoreError> {
    row.bytes("id").map(RequestId::from_bytes)
}

/// Takes a key; `false` if it is not free.
pub(super) async fn insert(transaction: &Transaction<'_>, record: &Record<'_>) -> Result<bool, StoreError> {
    Ok(transaction.execute_each(&TAKE, &[row_of_record(record)]).await? > 0)
}

fn row_of_record<'a>(record: &Record<'a>) -> [Value<'a>; 7] {
    let Record { workspace_id, idempotency: Idempotency { key, fingerprint, expires_at }, made } = record;
    let [client_id, request_id, sealed_secret] = made.clone();
    [
        workspace_id.as_str().into(),
        key.as_str().into(),
        fingerprint.as_bytes().into(),
        (*expires_at).into(),
        client_id,
        request_id,
        sealed_secret,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_in_the_query_is_the_validity_of_a_key() {
        assert_eq!(domain::idempotency::VALIDITY.as_millis(), 86_400_000);
        assert!(CREATE.postgres().contains("- 86400000"));
    }
}
