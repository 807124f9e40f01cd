//! `POST /connect/v1/apps/{client_id}/production-tests/{id}/cancel` (§7)
//!
//! Errors, in this order: the credentials (401), the right to write (403), the app or the test
//! (404), its state (409), the database or the challenge service (503).

use axum::Json;
use axum::extract::State;
use db::Channel;
use domain::challenge::{Challenge, Watch};
use domain::challenge_request::{ChallengeRequest, Status};
use domain::{ClientId, Timestamp};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::{CancelRequest, RecordObservation, RequestKey};
use wire::error::ErrorEnvelope;
use wire::production_test::ProductionTest;

use super::NO_SUCH_TEST;
use super::show::{ProductionTestId, find};
use crate::caller::{Caller, Write};
use crate::documentation::TestPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Cancel a production test
///
/// A pending request is cancelled and will not be scheduled. The challenge of a scheduled request
/// is closed: testers can no longer join or claim a stamp, and the granted stamps stay in the
/// report. Cancelling is idempotent.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/{client_id}/production-tests/{id}/cancel",
    operation_id = "cancelProductionTest",
    tag = "Production tests",
    security(("workspace_api_key" = [])),
    params(TestPath),
    responses(
        (status = 200, description = "The production test as it is now", body = ProductionTest),
        Caller<Write>, TestPath, ServerErrors,
        (status = 409, body = ErrorEnvelope,
            description = "It has failed, is complete or is over: `details.status` says which"),
        (status = 503, body = ErrorEnvelope,
            description = "The database or the challenge service cannot be reached at the moment"),
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
    let cancelled = cancel_request(&api, request).await?;
    Ok(Json(ProductionTest::at(api.clock_and_rng.now(), &cancelled)))
}

async fn cancel_request(
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
    // The request was not pending, or ceased to be meanwhile.
    let request =
        api.store.challenge_request(key).await?.ok_or_else(|| ApiError::not_found(NO_SUCH_TEST))?;
    match (request.status, &request.challenge) {
        (Status::Cancelled, _) => Ok(request),
        (Status::Scheduled, Some(challenge)) => {
            if !challenge.is_closed {
                close(api, challenge).await?;
                // With the challenge's new state.
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

/// Closes the challenge, and stores its state, so that the next read shows it closed.
async fn close(api: &WorkspaceApi, challenge: &Challenge) -> Result<(), ApiError> {
    // A challenge that has ended by itself cannot be closed.
    check_not_ended(challenge, api.clock_and_rng.now())?;
    let message = "The challenge service cannot be reached at the moment, so it is not known \
                   whether the production test was cancelled. Try again in a moment: cancelling \
                   is idempotent.";
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
    check_not_ended(&challenge, now)?;
    Err(is_over())
}

fn check_not_ended(challenge: &Challenge, now: Timestamp) -> Result<(), ApiError> {
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
