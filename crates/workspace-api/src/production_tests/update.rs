//! `PATCH /connect/v1/apps/{client_id}/production-tests/{id}` (§7)
//!
//! Errors, in this order: the credentials (401), the right to write (403), the app or the test
//! (404), the body (400), the test's state (409), the database or the challenge service (503).

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use challenge_service::handle::ChallengeServiceError;
use db::Channel;
use domain::ClientId;
use domain::challenge::{Challenge, Watch};
use domain::challenge_request::{ChallengeRequest, Status};
use domain::challenge_update::{ChallengeUpdate, UpdateRefusal};
use http_support::body::JsonObject;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::{RecordObservation, RequestKey, UpdateRequest};
use wire::error::ErrorEnvelope;
use wire::production_test::{ProductionTest, UpdateProductionTest, read_update};

use super::NO_SUCH_TEST;
use super::show::{ProductionTestId, find};
use crate::caller::{Caller, Write};
use crate::documentation::TestPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// A pending request cannot be changed while an attempt hands it over, which takes some
/// milliseconds. So that is tried again, this often and after this pause.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// Give a production test more room and more time
///
/// The number of stamps can grow, and the end can move, while the test is pending or open. A test
/// that is complete opens again when it gets more room before it expires; nobody loses a stamp.
/// Members that are left out stay as they are. Idempotent.
#[utoipa::path(
    patch,
    path = "/connect/v1/apps/{client_id}/production-tests/{id}",
    operation_id = "updateProductionTest",
    tag = "Production tests",
    security(("workspace_api_key" = [])),
    params(TestPath),
    request_body(content = UpdateProductionTest, content_type = "application/json"),
    responses(
        (status = 200, description = "The production test as it is now", body = ProductionTest),
        Caller<Write>, TestPath, JsonObject, ServerErrors,
        (status = 409, body = ErrorEnvelope,
            description = "It has failed or ended (`details.status` says how), the number would \
                shrink, or the end is out of range"),
        (status = 503, body = ErrorEnvelope,
            description = "The database or the challenge service cannot be reached at the moment"),
    ),
)]
pub(crate) async fn update(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
    JsonObject(body): JsonObject,
) -> Result<Json<ProductionTest>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let app = api.app(&caller.workspace_id, &client_id).await?;
    let id: ProductionTestId = path.parse("id", NO_SUCH_TEST)?;
    let request = find(&api, app.workspace_id, app.client_id, id).await?;
    let update = read_update(&body).map_err(ApiError::validation)?;
    let updated = update_test(&api, request, update).await?;
    Ok(Json(ProductionTest::at(api.clock_and_rng.now(), &updated)))
}

/// Changes a production test, wherever it stands (§7).
///
/// # Errors
/// 409 when its state or the values do not allow it, 503 when the database or the challenge service
/// does not answer.
pub(crate) async fn update_test(
    api: &WorkspaceApi,
    mut request: ChallengeRequest,
    update: ChallengeUpdate,
) -> Result<ChallengeRequest, ApiError> {
    if update == ChallengeUpdate::default() {
        return Ok(request);
    }
    for _ in 0..TRIES {
        if let Some(challenge) = request.challenge.clone() {
            return update_challenge(api, request, &challenge, update).await;
        }
        if request.status != Status::Pending {
            let message = "This production test has no challenge. Only one that is pending or \
                           open can be changed.";
            return Err(ApiError::conflict(message).with_detail("status", request.status.as_str()));
        }
        let now = api.clock_and_rng.now();
        update.check_pending(request.payload.max_stamp_claims, now).map_err(refused)?;
        let key = RequestKey::from(&request);
        if let Some(updated) =
            api.store.update_request(UpdateRequest { key: key.clone(), update, now }).await?
        {
            api.store.database().notify(Channel::NewEvents);
            return Ok(updated);
        }
        tokio::time::sleep(PAUSE).await;
        request = reread(api, key).await?;
    }
    let message = "This production test is being handed over at this moment. Try again in a \
                   moment: changing it is idempotent.";
    Err(ApiError::unavailable(message, "the request is leased"))
}

/// Changes the challenge, and stores its state, so that the next read shows it.
async fn update_challenge(
    api: &WorkspaceApi,
    request: ChallengeRequest,
    challenge: &Challenge,
    update: ChallengeUpdate,
) -> Result<ChallengeRequest, ApiError> {
    let now = api.clock_and_rng.now();
    update.apply(challenge, request.payload.max_stamp_claims, now).map_err(refused)?;
    let message = "The challenge service cannot be reached at the moment, so it is not known \
                   whether the production test was changed. Try again in a moment: changing it is \
                   idempotent.";
    let challenge = match api.challenge_service.update(challenge.id, update).await {
        Ok(challenge) => challenge,
        Err(ChallengeServiceError::Refused(reason)) => return Err(ApiError::conflict(reason)),
        Err(error) => return Err(ApiError::unavailable(message, error)),
    };
    let write = RecordObservation {
        challenge,
        providers: None,
        now: api.clock_and_rng.now(),
        watch: Watch::Polled,
    };
    if api.store.record_observation(write).await?.has_events {
        api.store.database().notify(Channel::NewEvents);
    }
    reread(api, RequestKey::from(&request)).await
}

async fn reread(api: &WorkspaceApi, key: RequestKey) -> Result<ChallengeRequest, ApiError> {
    api.store.challenge_request(key).await?.ok_or_else(|| ApiError::not_found(NO_SUCH_TEST))
}

fn refused(refusal: UpdateRefusal) -> ApiError {
    let error = ApiError::conflict(refusal.to_string());
    match refusal.status() {
        Some(status) => error.with_detail("status", status),
        None => error,
    }
}
