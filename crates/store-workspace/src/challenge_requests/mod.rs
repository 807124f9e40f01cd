//! Challenge requests: created and read (§5, §7).

pub(crate) mod hand_over;
pub(crate) mod list;
pub(crate) mod observation;
pub(crate) mod transitions;

use std::sync::Arc;

use db::{
    Column, Idempotency, KeyClaim, Kind, Row, Sql, StoreError, Transaction, Value, Write,
    provider_ids_json, split_on_conflict,
};
use domain::challenge::Challenge;
use domain::challenge_request::{ChallengeRequest, Scheduling, Status};
use domain::production_test::Payload;
use domain::{ChallengeId, ClientId, Platform, RequestId, Timestamp, WorkspaceId};

use crate::idempotency::{self, Made, RECORDS};
use crate::{RequestKey, WorkspaceStore};

/// The columns of a challenge request that [`read_request`] reads.
macro_rules! request_columns {
    () => {
        "workspace_id, client_id, id, host_name, title, description, provider_ids, max_stamp_claims, target_platform,
        allow_duplicate_participation, status, attempts, next_attempt_at, give_up_at, last_error, challenge_id,
        challenge_created_at, challenge_expires_at, challenge_completed_at, challenge_is_closed, created_at, updated_at"
    };
}
pub(crate) use request_columns;

/// Stores a new challenge request, and the idempotency key that guards it, both or neither.
#[derive(Clone, Debug)]
pub struct CreateChallengeRequest {
    /// The request: new, so pending and without a challenge.
    pub request: ChallengeRequest,
    /// How a repetition is recognised, if the client asked for that.
    pub idempotency: Option<Idempotency>,
    /// The lease of a scheduler that hands the request over as soon as it is stored, if there is
    /// one.
    pub lease: Option<Lease>,
}

/// The right to attempt a challenge request, for a time.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The scheduler that holds it: a name that no other running scheduler has.
    pub holder: Arc<str>,
    /// When it ends by itself, so that others take over if its holder dies.
    pub expires_at: Timestamp,
}

/// What storing a request led to.
#[derive(Clone, Debug)]
pub enum CreateOutcome {
    /// It is stored.
    Created,
    /// The same order was stored before under the same key: this is what it made.
    Replay(Box<Made>),
    /// The key was used for another request.
    KeyConflict,
}

impl Write for CreateChallengeRequest {
    type Outcome = CreateOutcome;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<CreateOutcome>, StoreError> {
        let mut outcomes = Vec::with_capacity(writes.len());
        for slice in split_on_conflict(writes, |Self { request, idempotency, lease: _ }| {
            idempotency.as_ref().map(|idempotency| (&request.workspace_id, &idempotency.key))
        }) {
            create(slice, transaction, &mut outcomes).await?;
        }
        Ok(outcomes)
    }
}

/// Stores requests, no two of which have the same key.
async fn create(
    writes: &[CreateChallengeRequest],
    transaction: &Transaction<'_>,
    outcomes: &mut Vec<CreateOutcome>,
) -> Result<(), StoreError> {
    let claims =
        writes.iter().filter_map(|CreateChallengeRequest { request, idempotency, .. }| {
            let ChallengeRequest { id, workspace_id, client_id, .. } = request;
            Some(idempotency::record(
                workspace_id,
                idempotency.as_ref()?,
                client_id,
                Some(id),
                None,
            ))
        });
    let mut claimed = RECORDS.claim(transaction, claims.collect()).await?.into_iter();
    let mut rows = Vec::with_capacity(writes.len());
    for write in writes {
        let claim = write.idempotency.as_ref().and_then(|_| claimed.next());
        outcomes.push(match claim {
            None | Some(KeyClaim::Fresh) => {
                rows.push(row_of(write));
                CreateOutcome::Created
            }
            Some(KeyClaim::Replay(made)) => CreateOutcome::Replay(Box::new(made)),
            Some(KeyClaim::Conflict) => CreateOutcome::KeyConflict,
        });
    }
    transaction.execute_each(&INSERT, &rows).await?;
    Ok(())
}

static INSERT: Sql = Sql::each(
    "INSERT INTO challenge_requests (
        workspace_id, client_id, id, host_name, title, description, provider_ids, max_stamp_claims, target_platform,
        allow_duplicate_participation, status, attempts, next_attempt_at, give_up_at, created_at, updated_at, leased_by,
        lease_expires_at)
    {row of each}",
    &NEW,
);

const NEW: [Column; 18] = [
    ("workspace_id", Kind::Text),
    ("client_id", Kind::Text),
    ("id", Kind::Bytes),
    ("host_name", Kind::Text),
    ("title", Kind::Text),
    ("description", Kind::Text),
    ("provider_ids", Kind::Text),
    ("max_stamp_claims", Kind::Integer),
    ("target_platform", Kind::Text),
    ("allow_duplicate_participation", Kind::Boolean),
    ("status", Kind::Text),
    ("attempts", Kind::Integer),
    ("next_attempt_at", Kind::Integer),
    ("give_up_at", Kind::Integer),
    ("created_at", Kind::Integer),
    ("updated_at", Kind::Integer),
    ("leased_by", Kind::Text),
    ("lease_expires_at", Kind::Integer),
];

fn row_of(write: &CreateChallengeRequest) -> [Value<'_>; 18] {
    let CreateChallengeRequest { request, idempotency: _, lease } = write;
    let ChallengeRequest {
        id,
        workspace_id,
        client_id,
        host_name,
        payload,
        status,
        challenge: _,
        scheduling: Scheduling { attempts, next_attempt_at, give_up_at, last_error: _ },
        created_at,
        updated_at,
    } = request;
    [
        workspace_id.as_str().into(),
        client_id.as_str().into(),
        id.as_bytes().into(),
        host_name.into(),
        (&payload.title).into(),
        payload.description.as_ref().into(),
        provider_ids_json(&payload.provider_ids).into(),
        payload.max_stamp_claims.into(),
        payload.target_platform.map(Platform::as_str).into(),
        payload.allow_duplicate_participation.into(),
        status.as_str().into(),
        (*attempts).into(),
        (*next_attempt_at).into(),
        (*give_up_at).into(),
        (*created_at).into(),
        (*updated_at).into(),
        lease.as_ref().map(|lease| &*lease.holder).into(),
        lease.as_ref().map(|lease| lease.expires_at).into(),
    ]
}

impl WorkspaceStore {
    /// Stores a new challenge request. When this returns [`CreateOutcome::Created`], it will
    /// survive a power cut.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn create_challenge_request(
        &self,
        write: CreateChallengeRequest,
    ) -> Result<CreateOutcome, StoreError> {
        self.database.write(write).await
    }

    /// The challenge request of this key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn challenge_request(
        &self,
        key: RequestKey,
    ) -> Result<Option<ChallengeRequest>, StoreError> {
        static SQL: Sql = Sql::new(concat!(
            "SELECT ",
            request_columns!(),
            " FROM challenge_requests WHERE workspace_id = $1 AND client_id = $2 AND id = $3"
        ));
        let RequestKey { workspace_id, client_id, id } = &key;
        let key = [workspace_id.as_str().into(), client_id.as_str().into(), id.as_bytes().into()];
        self.database.find(&SQL, key.map(Value::into_owned).into(), read_request).await
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
        static SQL: Sql = Sql::new(concat!(
            "SELECT ",
            request_columns!(),
            " FROM challenge_requests WHERE challenge_id = $1 AND workspace_id = $2 AND client_id = $3"
        ));
        let key = [
            challenge_id.as_bytes().into(),
            workspace_id.as_str().into(),
            client_id.as_str().into(),
        ];
        self.database.find(&SQL, key.map(Value::into_owned).into(), read_request).await
    }
}

pub(crate) fn read_request(row: &Row<'_>) -> Result<ChallengeRequest, StoreError> {
    let payload = row.payload()?;
    Ok(ChallengeRequest {
        id: RequestId::from_bytes(row.bytes("id")?),
        workspace_id: row.parsed("workspace_id")?,
        client_id: row.parsed("client_id")?,
        host_name: row.text("host_name")?.to_owned(),
        challenge: read_challenge(row, &payload)?,
        payload,
        status: row.named("status", Status::from_name)?,
        scheduling: Scheduling {
            attempts: row.count("attempts")?,
            next_attempt_at: row.optional_time("next_attempt_at")?,
            give_up_at: row.time("give_up_at")?,
            last_error: row.optional_text("last_error")?.map(str::to_owned),
        },
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// The copy of what the challenge service says of the challenge; its title and description are the
/// payload's.
fn read_challenge(row: &Row<'_>, payload: &Payload) -> Result<Option<Challenge>, StoreError> {
    let Some(id) = row.optional_bytes("challenge_id")? else { return Ok(None) };
    Ok(Some(Challenge {
        id: ChallengeId::from_bytes(id),
        title: payload.title.clone(),
        description: payload.description.clone(),
        created_at: row.time("challenge_created_at")?,
        expires_at: row.time("challenge_expires_at")?,
        completed_at: row.optional_time("challenge_completed_at")?,
        is_closed: row.boolean("challenge_is_closed")?,
    }))
}
