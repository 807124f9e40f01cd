//! On PostgreSQL: an index of the keys, which all processes share.

use std::collections::{HashMap, HashSet};

use domain::WorkspaceId;
use domain::challenge_request::ChallengeRequest;

use super::{Earlier, Fate, Record, earlier, read_earlier};
use crate::connect::challenge_requests::request_columns;
use crate::row::Row;
use crate::sql::{Kind, Sql};
use crate::unit::Transaction;
use crate::value::Value;
use crate::{Idempotency, StoreError};

/// A key that is valid for a day from now may take the place of one that was valid until now: 86,400,000 is a day in
/// milliseconds, [`domain::idempotency::VALIDITY`].
static TAKE: Sql = Sql::each(
    "INSERT INTO idempotency_records (workspace_id, key, fingerprint, expires_at, client_id, request_id, sealed_secret)
    {row of each}
    ON CONFLICT (workspace_id, key) DO UPDATE SET
        fingerprint = excluded.fingerprint, client_id = excluded.client_id,
        request_id = excluded.request_id, sealed_secret = excluded.sealed_secret, expires_at = excluded.expires_at
    WHERE idempotency_records.expires_at <= excluded.expires_at - 86400000
    RETURNING workspace_id, key",
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

/// A key of a workspace.
type Key = (WorkspaceId, String);

pub(super) async fn take(
    transaction: &Transaction<'_>,
    guarded: &[(&ChallengeRequest, &Idempotency)],
) -> Result<Vec<Fate>, StoreError> {
    let mut sorted = guarded.to_vec();
    // In the same order everywhere, or two transactions could wait for each other.
    sorted.sort_unstable_by_key(|(request, idempotency)| (request.workspace_id.as_str(), idempotency.key.as_str()));
    let rows: Vec<_> = sorted
        .iter()
        .map(|(request, idempotency)| {
            let made = [request.client_id.as_str().into(), request.id.as_bytes().into(), Value::Null];
            row_of(&Record { workspace_id: &request.workspace_id, idempotency, made })
        })
        .collect();
    let taken: HashSet<Key> = transaction.query_each(&TAKE, &rows, read_key).await?.into_iter().collect();
    let key_of = |request: &ChallengeRequest, idempotency: &Idempotency| {
        (request.workspace_id.clone(), idempotency.key.as_str().to_owned())
    };
    let lost: Vec<Key> =
        sorted.iter().map(|(request, it)| key_of(request, it)).filter(|key| !taken.contains(key)).collect();
    let lost: Vec<[Value<'_>; 2]> =
        lost.iter().map(|(workspace_id, key)| [workspace_id.as_str().into(), key.into()]).collect();
    let mut earlier: HashMap<Key, Earlier> =
        transaction.query_each(&EARLIER_OF_EACH, &lost, read_earlier).await?.into_iter().collect();
    let fate = |(request, it): &(&ChallengeRequest, &Idempotency)| {
        let key = key_of(request, it);
        if taken.contains(&key) { Fate::Taken } else { Fate::Lost(earlier.remove(&key).map(Box::new)) }
    };
    Ok(guarded.iter().map(fate).collect())
}

pub(super) async fn insert(transaction: &Transaction<'_>, record: &Record<'_>) -> Result<bool, StoreError> {
    Ok(!transaction.query_each(&TAKE, &[row_of(record)], read_key).await?.is_empty())
}

fn row_of<'a>(record: &Record<'a>) -> [Value<'a>; 7] {
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

fn read_key(row: &Row<'_>) -> Result<Key, StoreError> {
    Ok((row.parsed("workspace_id")?, row.text("key")?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_in_the_query_is_the_validity_of_a_key() {
        assert_eq!(domain::idempotency::VALIDITY.as_millis(), 86_400_000);
        assert!(TAKE.postgres().contains("- 86400000"));
    }
}
