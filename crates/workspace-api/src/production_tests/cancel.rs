//! `POST /connect/v1/apps/{client_id}/production-tests/{id}/cancel` (§7)
//!
//! What can go wrong, in this order: the credentials (401), the right to change things (403), the
//! app or the test (404), its state (409), the database or the challenge service (503).

use axum::Json;
use axum::extract::State;
use db::Channel;
use domain::challenge::{Challenge, Watch};
use domain::challenge_request::{ChallengeRequest, Status};
use domain::{ClientId, Timestamp};
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::{CancelRequest, RecordObservation, RequestKey};
use wire::error::ErrorEnvelope;
use wire::production_test::ProductionTest;

use super::NO_SUCH_TEST;
use super::show::{ProductionTestId, find};
use crate::caller::{Caller, Write};
use crate::{NO_SUCH_APP, WorkspaceApi};

/// Cancel a production test
///
/// A pending request is called off and will not be scheduled. A scheduled one has its challenge
/// closed: nobody can join or claim any more, and what was claimed stays in the report. To cancel
/// twice changes nothing.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/{client_id}/production-tests/{id}/cancel",
    operation_id = "cancelProductionTest",
    tag = "Production tests",
    security(("workspace_api_key" = [])),
    params(
        ("client_id" = String, Path, description = "The app's client id", pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM"),
        ("id" = String, Path, description = "A request's id or a challenge's id",
            example = "req_7f3a9c1e-4b2d-4f88-9e1a-0c3d5b6e7f8a"),
    ),
    responses(
        (status = 200, description = "The production test as it is now", body = ProductionTest, headers(
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 403, description = "The key may only read", body = ErrorEnvelope),
        (status = 404, description = "The workspace has no such app, or the app no such production test", body = ErrorEnvelope),
        (status = 409, description = "It has failed, is complete or is over: `details.status` says where it stands",
            body = ErrorEnvelope),
        (status = 429, description = "Too many requests with this key", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database or the challenge service cannot be reached at the moment",
            body = ErrorEnvelope),
    ),
)]
pub(crate) async fn cancel(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
) -> Result<Json<ProductionTest>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let app = api.app(&caller.workspace_id, &client_id).await?;
    let id: ProductionTestId = path.parse("id", NO_SUCH_TEST)?;
    let request = find(&api, app.workspace_id, app.client_id, id).await?;
    let cancelled = call_off(&api, request).await?;
    Ok(Json(ProductionTest::at(api.clock_and_rng.now(), &cancelled)))
}

async fn call_off(
    api: &WorkspaceApi,
    request: ChallengeRequest,
) -> Result<ChallengeRequest, ApiError> {
    let key = RequestKey::from(&request);
    if request.status.cancel().is_ok() {
        let write = CancelRequest { key: key.clone(), now: api.clock_and_rng.now() };
        if let Some(cancelled) = api.store.cancel_request(write).await? {
            api.store.database().notify(Channel::NewEvents);
            return Ok(cancelled);
        }
    }
    // It was not pending, or has just ceased to be.
    let request =
        api.store.challenge_request(key).await?.ok_or_else(|| ApiError::not_found(NO_SUCH_TEST))?;
    match (request.status, &request.challenge) {
        (Status::Cancelled, _) => Ok(request),
        (Status::Scheduled, Some(challenge)) => {
            if !challenge.is_closed {
                close(api, challenge).await?;
                // As it is written down now.
                let key = RequestKey::from(&request);
                return api
                    .store
                    .challenge_request(key)
                    .await?
                    .ok_or_else(|| ApiError::not_found(NO_SUCH_TEST));
            }
            Ok(request)
        }
        _ => Err(conflict(
            "This production test has failed; there is nothing to cancel.",
            request.status.as_str(),
        )),
    }
}

/// Has the challenge closed, and remembers it, so that whoever reads it next sees it closed.
async fn close(api: &WorkspaceApi, challenge: &Challenge) -> Result<(), ApiError> {
    // What has ended by itself stays so: there is nothing to ask.
    has_not_ended(challenge, api.clock_and_rng.now())?;
    let message = "The challenge service cannot be reached at the moment, so it is not known whether the production test was \
                   cancelled. Try again in a moment: to cancel twice is as good as once.";
    let challenge = api
        .challenge_service
        .close(challenge.id)
        .await
        .map_err(|error| ApiError::unavailable(message, error))?;
    let now = api.clock_and_rng.now();
    let write = RecordObservation {
        challenge: challenge.clone(),
        providers: None,
        now,
        watch: Watch::Polled,
    };
    api.store.record_observation(write).await?;
    if challenge.is_closed {
        return Ok(());
    }
    has_not_ended(&challenge, now)?;
    Err(is_over())
}

fn has_not_ended(challenge: &Challenge, now: Timestamp) -> Result<(), ApiError> {
    if challenge.completed_at.is_some() {
        return Err(conflict(
            "This production test is complete: all stamps were granted.",
            "completed",
        ));
    }
    if challenge.is_active_at(now) { Ok(()) } else { Err(is_over()) }
}

fn is_over() -> ApiError {
    conflict("This production test is over.", "expired")
}

fn conflict(message: &str, status: &str) -> ApiError {
    ApiError::conflict(message).with_detail("status", status)
}
