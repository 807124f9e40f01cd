//! Creates a challenge request (§5).

use std::sync::Arc;

use db::{
    GUARD_COLUMNS, GuardedInsert, GuardedRows, Idempotency, KeyClaim, Sql, StoreError, Transaction,
    Write, provider_ids_json, split_on_conflict, write_columns,
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
    pub request: Arc<ChallengeRequest>,
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

/// What is stored of a request.
struct NewRequest<'a> {
    request: &'a ChallengeRequest,
    lease: Option<&'a Lease>,
    claim: Option<Claim<'a>>,
}

impl<'a> From<&'a CreateChallengeRequest> for NewRequest<'a> {
    fn from(write: &'a CreateChallengeRequest) -> Self {
        let CreateChallengeRequest { request, idempotency, lease } = write;
        let ChallengeRequest { id, workspace_id, client_id, .. } = &**request;
        let claim = |idempotency| {
            let claim = Claim::new(workspace_id, idempotency, client_id);
            Claim { request_id: Some(id), ..claim }
        };
        Self { request, lease: lease.as_ref(), claim: idempotency.as_ref().map(claim) }
    }
}

write_columns! {
    /// A new row of `challenge_requests`.
    NewRequestRow(NewRequest<'_>) = |NewRequest {
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
                // Only an update sets it.
                expires_at: _,
            },
            status,
            challenge: _,
            scheduling: Scheduling { attempts, next_attempt_at, give_up_at, last_error: _ },
            created_at,
            updated_at,
        },
        lease,
        claim: _,
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
        leased_by: Text = lease.map(|lease| &*lease.holder),
        lease_expires_at: Integer = lease.map(|lease| lease.expires_at),
    }
}

/// On PostgreSQL the keys are claimed by the same statement, under the condition of [`RECORDS`].
static INSERT: GuardedInsert<{ NewRequestRow::COUNT }, { NewRequestRow::COUNT + 3 }> =
    GuardedInsert {
        insert: Sql::each("INSERT INTO challenge_requests {row of each}", &NewRequestRow::COLUMNS),
        claim_and_insert: Sql::each(
            "WITH claimed AS (
                INSERT INTO idempotency_records
                    (workspace_id, key, fingerprint, expires_at, client_id, request_id)
                SELECT each.workspace_id, each.key, each.fingerprint, each.key_expires_at,
                    each.client_id, each.id
                {from each} WHERE each.key IS NOT NULL
                ON CONFLICT (workspace_id, key) DO UPDATE SET
                    fingerprint = excluded.fingerprint, client_id = excluded.client_id,
                    request_id = excluded.request_id, sealed_secret = excluded.sealed_secret,
                    expires_at = excluded.expires_at
                WHERE idempotency_records.expires_at <= excluded.expires_at - 86400000
                RETURNING request_id)
            INSERT INTO challenge_requests {row of each}
            WHERE each.key IS NULL OR each.id IN (SELECT request_id FROM claimed)
            {returning id}",
            &NewRequestRow::COLUMNS,
        )
        .with_extra(&GUARD_COLUMNS),
    };

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
    let values: Vec<NewRequest<'_>> = writes.iter().map(NewRequest::from).collect();
    let rows = GuardedRows {
        values: &values,
        row: |value| NewRequestRow::of(value),
        id: |value| *value.request.id.as_bytes(),
        claim: |value| value.claim.as_ref().map(Claim::row),
    };
    let states = RECORDS.insert_guarded(transaction, &INSERT, rows).await?;
    outcomes.extend(states.into_iter().map(|state| match state {
        KeyClaim::Fresh => CreateOutcome::Created,
        KeyClaim::Replay(result) => CreateOutcome::Replay(Box::new(result)),
        KeyClaim::Conflict => CreateOutcome::KeyConflict,
    }));
    Ok(())
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
