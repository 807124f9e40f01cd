//! On SQLite: records are appended, and found by what the file's one owner remembers of them.

use domain::challenge_request::ChallengeRequest;
use domain::idempotency::IdempotencyKey;
use domain::{Timestamp, WorkspaceId};

use super::{EARLIER, Record, Wanted, parameters, read_earlier, repeated};
use crate::connect::challenge_requests::{CreateChallengeRequest, CreateOutcome, INSERT, row_of};
use crate::database::Database;
use crate::row::{Read, Row};
use crate::sql::Sql;
use crate::sqlite::key_index::{KeyHash, KeyIndex};
use crate::sqlite::{Work, statement};
use crate::unit::{Transaction, Unit};
use crate::value::Value;
use crate::{Idempotency, StoreError};

/// Whether a row is this key's and still counts for a request whose own key would expire then: a day is 86,400,000
/// milliseconds, [`domain::idempotency::VALIDITY`].
static IS_LIVE: Sql = Sql::new(
    "SELECT 1 FROM idempotency_records
    WHERE workspace_id = $1 AND key = $2 AND expires_at > $3 - 86400000 AND rowid = $4",
);

/// Stores new requests and takes their keys.
pub(super) fn create(work: Work<'_>, units: &[CreateChallengeRequest]) -> Result<Vec<CreateOutcome>, StoreError> {
    let mut outcomes = Vec::with_capacity(units.len());
    let mut rows = Vec::with_capacity(units.len());
    for unit in units {
        let refusal = match &unit.idempotency {
            Some(idempotency) => take(work, &unit.request, idempotency)?,
            None => None,
        };
        if refusal.is_none() {
            rows.push(row_of(unit));
        }
        outcomes.push(refusal.unwrap_or(CreateOutcome::Created));
    }
    statement::execute_each(work.connection, &INSERT, &rows)?;
    Ok(outcomes)
}

/// Takes a key, if it is free.
fn take(
    work: Work<'_>,
    request: &ChallengeRequest,
    idempotency: &Idempotency,
) -> Result<Option<CreateOutcome>, StoreError> {
    let Idempotency { key, expires_at, .. } = idempotency;
    for row in candidates(work, &request.workspace_id, key)? {
        let parameters = [request.workspace_id.as_str().into(), key.as_str().into(), (*expires_at).into(), row.into()];
        if !statement::query(work.connection, &IS_LIVE, &parameters, |_| Ok(()))?.is_empty() {
            let live_at_any_time = Timestamp::from_millis(0);
            let wanted = (&request.workspace_id, key, live_at_any_time);
            let earlier = at_row(work, &EARLIER.by_row, wanted, row, read_earlier)?;
            return Ok(Some(repeated(idempotency, earlier.map(|(_, earlier)| earlier))));
        }
    }
    let made = [request.client_id.as_str().into(), request.id.as_bytes().into(), Value::Null];
    append(work, &Record { workspace_id: &request.workspace_id, idempotency, made })?;
    Ok(None)
}

/// Adds a record behind all others.
pub(super) fn append(work: Work<'_>, record: &Record<'_>) -> Result<(), StoreError> {
    static SQL: Sql = Sql::new(
        "INSERT INTO idempotency_records (workspace_id, key, fingerprint, expires_at, client_id, request_id, sealed_secret)
        VALUES ($1, $2, $3, $4, $5, $6, $7)",
    );
    let Record { workspace_id, idempotency: Idempotency { key, fingerprint, expires_at }, made } = record;
    let [client_id, request_id, sealed_secret] = made.clone();
    let parameters = [
        workspace_id.as_str().into(),
        key.as_str().into(),
        fingerprint.as_bytes().into(),
        (*expires_at).into(),
        client_id,
        request_id,
        sealed_secret,
    ];
    statement::execute(work.connection, &SQL, &parameters)?;
    work.keys.added(KeyHash::of(workspace_id.as_str(), key.as_str()), work.connection.last_insert_rowid());
    Ok(())
}

/// The rows that may be this key's.
pub(super) fn candidates(
    work: Work<'_>,
    workspace_id: &WorkspaceId,
    key: &IdempotencyKey,
) -> Result<Vec<i64>, StoreError> {
    load(work)?;
    Ok(work.keys.candidates(KeyHash::of(workspace_id.as_str(), key.as_str())))
}

/// A record's key, and where it is: its column is called `place`.
pub(super) fn read_place(row: &Row<'_>) -> Result<(KeyHash, i64), StoreError> {
    Ok((KeyHash::of(row.text("workspace_id")?, row.text("key")?), row.integer("place")?))
}

/// A key's record, as this transaction sees it.
pub(super) fn find<T>(work: Work<'_>, sql: &Sql, wanted: Wanted<'_>, read: Read<T>) -> Result<Option<T>, StoreError> {
    let (workspace_id, key, _) = wanted;
    for row in candidates(work, workspace_id, key)? {
        if let Some(found) = at_row(work, sql, wanted, row, read)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn at_row<T>(work: Work<'_>, sql: &Sql, wanted: Wanted<'_>, row: i64, read: Read<T>) -> Result<Option<T>, StoreError> {
    Ok(statement::query(work.connection, sql, &with_row(wanted, row), read)?.pop())
}

/// A key's record, as it was committed.
pub(super) async fn look_up<T: Send + 'static>(
    database: &Database,
    keys: &KeyIndex,
    sql: &'static Sql,
    wanted: Wanted<'_>,
    read: Read<T>,
) -> Result<Option<T>, StoreError> {
    let (workspace_id, key, _) = wanted;
    let hash = KeyHash::of(workspace_id.as_str(), key.as_str());
    let rows = match keys.candidates(hash) {
        Some(rows) => rows,
        None => {
            database.write(Load).await?;
            keys.candidates(hash).unwrap_or_default()
        }
    };
    for row in rows {
        let parameters = with_row(wanted, row).map(Value::into_owned);
        if let Some(found) = database.find(sql, parameters.into(), read).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn with_row(wanted: Wanted<'_>, row: i64) -> [Value<'_>; 4] {
    let [workspace_id, key, now] = parameters(wanted);
    [workspace_id, key, now, row.into()]
}

/// Reads which records there are, unless that is known.
struct Load;

impl Unit for Load {
    type Outcome = ();

    async fn decide(units: &[Self], transaction: &Transaction<'_>) -> Result<Vec<()>, StoreError> {
        if let Transaction::Sqlite(work) = transaction {
            load(*work)?;
        }
        Ok(vec![(); units.len()])
    }
}

fn load(work: Work<'_>) -> Result<(), StoreError> {
    static SQL: Sql = Sql::new("SELECT rowid AS place, workspace_id, key FROM idempotency_records ORDER BY rowid");
    if !work.keys.is_loaded() {
        work.keys.load(statement::query(work.connection, &SQL, &[], read_place)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_in_the_query_is_the_validity_of_a_key() {
        assert_eq!(domain::idempotency::VALIDITY.as_millis(), 86_400_000);
        assert!(IS_LIVE.sqlite().contains("- 86400000"));
    }
}
