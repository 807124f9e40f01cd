//! Creates a challenge request (§5).

use std::sync::Arc;

use db::{
    Idempotency, KeyClaim, Sql, StoreError, Transaction, Write, provider_ids_json,
    split_on_conflict, write_columns,
};
use domain::challenge_request::{ChallengeRequest, Scheduling};
use domain::production_test::Payload;
use domain::{Platform, Timestamp};

use crate::WorkspaceStore;
use crate::idempotency::{Claim, IdempotentResult, RECORDS};

/// Creates a challenge request, and claims the idempotency key that guards it, both or neither.
#[derive(Clone, Debug)]
pub struct CreateChallengeRequest {
    /// The request, which is pending and has no challenge.
    pub request: ChallengeRequest,
    /// The idempotency key, if the client sent one.
    pub idempotency: Option<Idempotency>,
    /// The lease of a scheduler of this process, which hands the request over as soon as it is
    /// stored. `None` if any scheduler may lease it.
    pub lease: Option<Lease>,
}

/// The right of a scheduler to attempt a challenge request, for a time.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The scheduler's name, which is unique among the running schedulers.
    pub holder: Arc<str>,
    /// When the lease expires. Other schedulers can then take the request over.
    pub expires_at: Timestamp,
}

/// Whether a request was created.
#[derive(Clone, Debug)]
pub enum CreateOutcome {
    /// It was created.
    Created,
    /// The same request claimed the key before. This is its result.
    Replay(Box<IdempotentResult>),
    /// The key was used for another request.
    KeyConflict,
}

write_columns! {
    /// A new row of `challenge_requests`.
    NewRequestRow(CreateChallengeRequest) = |CreateChallengeRequest {
        request: ChallengeRequest {
            id,
            workspace_id,
            client_id,
            host_name,
            payload: Payload {
                title,
                description,
                provider_ids,
                max_stamp_claims,
                target_platform,
                allow_duplicate_participation,
            },
            status,
            challenge: _,
            scheduling: Scheduling { attempts, next_attempt_at, give_up_at, last_error: _ },
            created_at,
            updated_at,
        },
        idempotency: _,
        lease,
    }| {
        workspace_id: Text = workspace_id.as_str(),
        client_id: Text = client_id.as_str(),
        id: Bytes = id.as_bytes(),
        host_name: Text = host_name,
        title: Text = title,
        description: Text = description.as_ref(),
        provider_ids: Text = provider_ids_json(provider_ids),
        max_stamp_claims: Integer = *max_stamp_claims,
        target_platform: Text = target_platform.map(Platform::as_str),
        allow_duplicate_participation: Boolean = *allow_duplicate_participation,
        status: Text = status.as_str(),
        attempts: Integer = *attempts,
        next_attempt_at: Integer = *next_attempt_at,
        give_up_at: Integer = *give_up_at,
        created_at: Integer = *created_at,
        updated_at: Integer = *updated_at,
        leased_by: Text = lease.as_ref().map(|lease| &*lease.holder),
        lease_expires_at: Integer = lease.as_ref().map(|lease| lease.expires_at),
    }
}

static INSERT: Sql =
    Sql::each("INSERT INTO challenge_requests {row of each}", &NewRequestRow::COLUMNS);

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

/// Creates requests, of which no two have the same key.
async fn create(
    writes: &[CreateChallengeRequest],
    transaction: &Transaction<'_>,
    outcomes: &mut Vec<CreateOutcome>,
) -> Result<(), StoreError> {
    let claims: Vec<Claim<'_>> = writes.iter().filter_map(CreateChallengeRequest::claim).collect();
    let claims = claims.iter().map(Claim::row).collect();
    let mut claimed = RECORDS.claim(transaction, claims).await?.into_iter();
    let mut rows = Vec::with_capacity(writes.len());
    for write in writes {
        let claim = write.idempotency.as_ref().and_then(|_| claimed.next());
        outcomes.push(match claim {
            None | Some(KeyClaim::Fresh) => {
                rows.push(NewRequestRow::of(write));
                CreateOutcome::Created
            }
            Some(KeyClaim::Replay(result)) => CreateOutcome::Replay(Box::new(result)),
            Some(KeyClaim::Conflict) => CreateOutcome::KeyConflict,
        });
    }
    transaction.execute_each(&INSERT, &rows).await?;
    Ok(())
}

impl CreateChallengeRequest {
    fn claim(&self) -> Option<Claim<'_>> {
        let ChallengeRequest { id, workspace_id, client_id, .. } = &self.request;
        let idempotency = self.idempotency.as_ref()?;
        let request_id = Some(id);
        Some(Claim { request_id, ..Claim::new(workspace_id, idempotency, client_id) })
    }
}

impl WorkspaceStore {
    /// Creates a challenge request (§5). It is durable when this returns
    /// [`CreateOutcome::Created`].
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn create_challenge_request(
        &self,
        write: CreateChallengeRequest,
    ) -> Result<CreateOutcome, StoreError> {
        self.database.write(write).await
    }
}
