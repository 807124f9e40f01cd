//! Challenge requests: created, read, listed (§5, §6, §7).

use domain::challenge::Challenge;
use domain::challenge_request::{ChallengeRequest, Scheduling, Status};
use domain::production_test::Payload;
use domain::{ChallengeId, ClientId, Platform, RequestId, Timestamp, WorkspaceId};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use super::idempotency::take;
use super::{ConnectStore, RequestKey};
use crate::sqlite::{RowExt, Unit, prepare, provider_ids_json};
use crate::{Idempotency, StoreError};

/// Stores a new challenge request, and the idempotency key that guards it, both or neither.
#[derive(Clone, Debug)]
pub struct CreateChallengeRequest {
    /// The request: new, so pending and without a challenge.
    pub request: ChallengeRequest,
    /// How a repetition is recognised, if the client asked for that.
    pub idempotency: Option<Idempotency>,
}

/// What came of storing a request.
#[derive(Clone, Debug)]
pub enum CreateOutcome {
    /// It is stored.
    Created,
    /// The same order was stored before under the same key: this is what came of it.
    Repeated(Box<ChallengeRequest>),
    /// The key was used for another order.
    KeyConflict,
}

impl Unit for CreateChallengeRequest {
    type Outcome = CreateOutcome;

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<CreateOutcome> {
        if let Some(idempotency) = &self.idempotency
            && let Some(earlier) = take(transaction, idempotency, &self.request)?
        {
            return Ok(if earlier.fingerprint == idempotency.fingerprint {
                CreateOutcome::Repeated(Box::new(earlier.request))
            } else {
                CreateOutcome::KeyConflict
            });
        }
        insert(transaction, &self.request)?;
        Ok(CreateOutcome::Created)
    }
}

fn insert(transaction: &Transaction<'_>, request: &ChallengeRequest) -> rusqlite::Result<()> {
    const SQL: &str = "
        INSERT INTO challenge_requests (
            workspace_id, client_id, id, host_name, title, description, provider_ids, max_stamp_claims, target_platform,
            allow_duplicate_participation, status, attempts, next_attempt_at, give_up_at, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let ChallengeRequest {
        id,
        workspace_id,
        client_id,
        host_name,
        payload,
        status,
        challenge: _,
        scheduling,
        created_at,
        updated_at,
    } = request;
    prepare(transaction, SQL)?.execute((
        workspace_id.as_str(),
        client_id.as_str(),
        id.as_bytes(),
        host_name,
        &payload.title,
        &payload.description,
        provider_ids_json(&payload.provider_ids),
        payload.max_stamp_claims,
        payload.target_platform.map(Platform::as_str),
        payload.allow_duplicate_participation,
        status.as_str(),
        scheduling.attempts,
        scheduling.next_attempt_at.map(Timestamp::as_millis),
        scheduling.give_up_at.as_millis(),
        created_at.as_millis(),
        updated_at.as_millis(),
    ))?;
    Ok(())
}

/// Which of an app's production tests to list (§6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Only those that have become a challenge, or only those that have not.
    pub scheduled: Option<bool>,
    /// Only those that stand here.
    pub status: Option<Status>,
    /// Youngest first instead of oldest first.
    pub descending: bool,
    /// How many at most; `None` means all.
    pub limit: Option<u32>,
    /// How many to leave out at the beginning.
    pub offset: u64,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The part.
    pub requests: Vec<ChallengeRequest>,
    /// How many there are in all.
    pub total: u64,
}

impl ConnectStore {
    /// Stores a new challenge request. When this returns [`CreateOutcome::Created`], it will survive a power cut.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn create_challenge_request(&self, unit: CreateChallengeRequest) -> Result<CreateOutcome, StoreError> {
        self.database.write(unit).await
    }

    /// The challenge request of this key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn challenge_request(&self, key: RequestKey) -> Result<Option<ChallengeRequest>, StoreError> {
        self.database.read(move |connection| read_one(connection, &key)).await
    }

    /// The app's challenge request that became this challenge.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn challenge_request_of(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
        challenge_id: ChallengeId,
    ) -> Result<Option<ChallengeRequest>, StoreError> {
        let (workspace_id, client_id) = (workspace_id.clone(), client_id.clone());
        let sql = select("WHERE challenge_id = $1 AND workspace_id = $2 AND client_id = $3");
        self.database
            .read(move |connection| {
                let key = (challenge_id.as_bytes(), workspace_id.as_str(), client_id.as_str());
                prepare(connection, &sql)?.query_row(key, read_request).optional()
            })
            .await
    }

    /// The app's challenge requests, filtered and cut, and how many there would be uncut.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn challenge_requests(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
        filter: ListFilter,
    ) -> Result<Page, StoreError> {
        let (workspace_id, client_id) = (workspace_id.clone(), client_id.clone());
        self.database.read(move |connection| read_page(connection, &workspace_id, &client_id, &filter)).await
    }
}

fn select(rest: &str) -> String {
    format!(
        "SELECT workspace_id, client_id, id, host_name, title, description, provider_ids, max_stamp_claims, target_platform,
            allow_duplicate_participation, status, attempts, next_attempt_at, give_up_at, last_error, challenge_id,
            challenge_created_at, challenge_expires_at, challenge_completed_at, challenge_is_closed, created_at, updated_at
        FROM challenge_requests {rest}"
    )
}

pub(super) fn read_one(connection: &Connection, key: &RequestKey) -> rusqlite::Result<Option<ChallengeRequest>> {
    let RequestKey { workspace_id, client_id, id } = key;
    let sql = select("WHERE workspace_id = $1 AND client_id = $2 AND id = $3");
    prepare(connection, &sql)?
        .query_row((workspace_id.as_str(), client_id.as_str(), id.as_bytes()), read_request)
        .optional()
}

fn read_page(
    connection: &Connection,
    workspace_id: &WorkspaceId,
    client_id: &ClientId,
    filter: &ListFilter,
) -> rusqlite::Result<Page> {
    const WHERE: &str = "
        WHERE workspace_id = $1 AND client_id = $2 AND ($3 IS NULL OR (status = 'scheduled') = $3) AND ($4 IS NULL OR status = $4)";
    let ListFilter { scheduled, status, descending, limit, offset } = filter;
    let filters = (workspace_id.as_str(), client_id.as_str(), scheduled, status.map(Status::as_str));

    // Both reads see one moment, or the number would not fit the items.
    let moment = connection.unchecked_transaction()?;
    let order = if *descending { "DESC" } else { "ASC" };
    let sql = select(&format!("{WHERE} ORDER BY id {order} LIMIT $5 OFFSET $6"));
    let (workspace, client, scheduled, status) = filters;
    // No table has more rows than fit a signed 64-bit number.
    let limit = limit.map_or(i64::MAX, i64::from);
    let offset = i64::try_from(*offset).unwrap_or(i64::MAX);
    let requests = prepare(&moment, &sql)?
        .query_map((workspace, client, scheduled, status, limit, offset), read_request)?
        .collect::<Result<_, _>>()?;

    let total: i64 = prepare(&moment, &format!("SELECT COUNT(*) FROM challenge_requests {WHERE}"))?
        .query_row(filters, |row| row.get(0))?;
    Ok(Page { requests, total: total.unsigned_abs() })
}

pub(super) fn read_request(row: &Row<'_>) -> rusqlite::Result<ChallengeRequest> {
    let payload = row.payload()?;
    Ok(ChallengeRequest {
        id: RequestId::from_bytes(row.get("id")?),
        workspace_id: row.parsed("workspace_id")?,
        client_id: row.parsed("client_id")?,
        host_name: row.get("host_name")?,
        challenge: read_challenge(row, &payload)?,
        payload,
        status: row.named("status", Status::from_name)?,
        scheduling: Scheduling {
            attempts: row.get("attempts")?,
            next_attempt_at: row.optional_time("next_attempt_at")?,
            give_up_at: row.time("give_up_at")?,
            last_error: row.get("last_error")?,
        },
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// The copy of what the challenge service says of the challenge; its title and description are the payload's.
fn read_challenge(row: &Row<'_>, payload: &Payload) -> rusqlite::Result<Option<Challenge>> {
    let Some(id) = row.get("challenge_id")? else { return Ok(None) };
    Ok(Some(Challenge {
        id: ChallengeId::from_bytes(id),
        title: payload.title.clone(),
        description: payload.description.clone(),
        created_at: row.time("challenge_created_at")?,
        expires_at: row.time("challenge_expires_at")?,
        completed_at: row.optional_time("challenge_completed_at")?,
        is_closed: row.get("challenge_is_closed")?,
    }))
}
