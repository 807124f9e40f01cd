//! What idempotency keys were used for (§4).
//!
//! PostgreSQL has an index of the keys; on SQLite records are appended, and the index is in memory.

mod appended;
mod indexed;
mod prune;

use domain::challenge_request::ChallengeRequest;
use domain::idempotency::{Fingerprint, IdempotencyKey};
use domain::{Timestamp, WorkspaceId};

pub use self::prune::PruneIdempotencyRecords;
use super::ConnectStore;
use super::challenge_requests::{CreateChallengeRequest, CreateOutcome, read_request, request_columns};
use crate::database::{Database, Engine};
use crate::row::{Read, Row};
use crate::sql::Sql;
use crate::unit::Transaction;
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
use earlier;

/// Stores new requests and takes their keys, no two of which are the same.
pub(super) async fn create(
    transaction: &Transaction<'_>,
    units: &[CreateChallengeRequest],
) -> Result<Vec<CreateOutcome>, StoreError> {
    match transaction {
        Transaction::Sqlite(work) => appended::create(*work, units),
        Transaction::Postgres(_) => indexed::create(transaction, units).await,
    }
}

/// What comes of a request whose key was used before.
fn repeated(idempotency: &Idempotency, earlier: Option<Earlier>) -> CreateOutcome {
    match earlier {
        Some(earlier) if earlier.fingerprint == idempotency.fingerprint => {
            CreateOutcome::Repeated(Box::new(earlier.request))
        }
        _ => CreateOutcome::KeyConflict,
    }
}

/// A new record.
pub(super) struct Record<'a> {
    pub(super) workspace_id: &'a WorkspaceId,
    pub(super) idempotency: &'a Idempotency,
    /// The rest of its columns: client id, request id, sealed secret.
    pub(super) made: [Value<'a>; 3],
}

/// Takes a key for which nothing was found in this transaction; `false` if another process has taken it meanwhile.
pub(super) async fn record(transaction: &Transaction<'_>, record: Record<'_>) -> Result<bool, StoreError> {
    match transaction {
        Transaction::Sqlite(work) => appended::append(*work, &record).map(|()| true),
        Transaction::Postgres(_) => indexed::insert(transaction, &record).await,
    }
}

/// Whose key is looked for, and when: a record that is as good as forgotten is not found.
type Wanted<'a> = (&'a WorkspaceId, &'a IdempotencyKey, Timestamp);

/// Finds a key's record: one query takes workspace, key and the present, the other one the record's row besides.
pub(super) struct Find {
    pub(super) by_key: Sql,
    pub(super) by_row: Sql,
}

impl Find {
    /// As this transaction sees it.
    pub(super) async fn within<T>(
        &'static self,
        transaction: &Transaction<'_>,
        wanted: Wanted<'_>,
        read: Read<T>,
    ) -> Result<Option<T>, StoreError> {
        match transaction {
            Transaction::Postgres(_) => Ok(transaction.query(&self.by_key, &parameters(wanted), read).await?.pop()),
            Transaction::Sqlite(work) => appended::find(*work, &self.by_row, wanted, read),
        }
    }

    /// As it was committed.
    pub(super) async fn at<T: Send + 'static>(
        &'static self,
        database: &Database,
        wanted: Wanted<'_>,
        read: Read<T>,
    ) -> Result<Option<T>, StoreError> {
        match database.engine() {
            Engine::Postgres(_) => {
                database.find(&self.by_key, parameters(wanted).map(Value::into_owned).into(), read).await
            }
            Engine::Sqlite(engine) => appended::look_up(database, engine.keys(), &self.by_row, wanted, read).await,
        }
    }
}

fn parameters((workspace_id, key, now): Wanted<'_>) -> [Value<'_>; 3] {
    [workspace_id.as_str().into(), key.as_str().into(), now.into()]
}

static EARLIER: Find = Find {
    by_key: Sql::new(earlier!("WHERE record.workspace_id = $1 AND record.key = $2 AND record.expires_at > $3")),
    by_row: Sql::new(earlier!(
        "WHERE record.workspace_id = $1 AND record.key = $2 AND record.expires_at > $3 AND record.rowid = $4"
    )),
};

fn read_earlier(row: &Row<'_>) -> Result<((WorkspaceId, String), Earlier), StoreError> {
    let request = read_request(row)?;
    let key = (request.workspace_id.clone(), row.text("record_key")?.to_owned());
    Ok((key, Earlier { fingerprint: Fingerprint::from_bytes(row.bytes("fingerprint")?), request }))
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
        let found = EARLIER.at(&self.database, (workspace_id, key, now), read_earlier).await?;
        Ok(found.map(|(_, earlier)| earlier))
    }

    /// The same where it costs next to nothing to find out; elsewhere `None`, and storing the request will tell.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn earlier_at_hand(
        &self,
        workspace_id: &WorkspaceId,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<Earlier>, StoreError> {
        match self.database.engine() {
            Engine::Sqlite(_) => self.earlier(workspace_id, key, now).await,
            Engine::Postgres(_) => Ok(None),
        }
    }
}
