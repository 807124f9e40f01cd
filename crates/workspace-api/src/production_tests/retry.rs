//! `POST /connect/v1/apps/{client_id}/production-tests/{id}/retry` (§7)
//!
//! What can go wrong, in this order: the credentials (401), the right to change things (403), the
//! app or the test (404), its state (409), the database (503).

use axum::Json;
use axum::extract::State;
use db::Channel;
use domain::ClientId;
use domain::challenge_request::ChallengeRequest;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::{RequestKey, RetryRequest};
use wire::error::ErrorEnvelope;
use wire::production_test::ProductionTest;

use super::NO_SUCH_TEST;
use super::show::{ProductionTestId, find};
use crate::caller::{Caller, Write};
use crate::{NO_SUCH_APP, WorkspaceApi};

/// Retry a production test
///
/// A failed request becomes pending again and is attempted at once, with another day of patience.
/// To retry what is being retried changes nothing.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/{client_id}/production-tests/{id}/retry",
    operation_id = "retryProductionTest",
    tag = "Production tests",
    security(("workspace_api_key" = [])),
    params(
        ("client_id" = String, Path, description = "The app's client id", pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM"),
        ("id" = String, Path, description = "A request's id", example = "req_7f3a9c1e-4b2d-4f88-9e1a-0c3d5b6e7f8a"),
    ),
    responses(
        (status = 200, description = "The production test as it is now", body = ProductionTest, headers(
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 403, description = "The key may only read", body = ErrorEnvelope),
        (status = 404, description = "The workspace has no such app, or the app no such production test", body = ErrorEnvelope),
        (status = 409, description = "It has not failed: `details.status` says where it stands", body = ErrorEnvelope),
        (status = 429, description = "Too many requests with this key", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn retry(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
) -> Result<Json<ProductionTest>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let app = api.app(&caller.workspace_id, &client_id).await?;
    let id: ProductionTestId = path.parse("id", NO_SUCH_TEST)?;
    let request = find(&api, app.workspace_id, app.client_id, id).await?;
    let retried = try_again(&api, request).await?;
    Ok(Json(ProductionTest::at(api.clock_and_rng.now(), &retried)))
}

async fn try_again(
    api: &WorkspaceApi,
    request: ChallengeRequest,
) -> Result<ChallengeRequest, ApiError> {
    let key = RequestKey::from(&request);
    if request.status.retry().is_ok() {
        let write = RetryRequest { key: key.clone(), now: api.clock_and_rng.now() };
        if let Some(retried) = api.store.retry_request(write).await? {
            api.store.database().notify(Channel::NewRequest);
            return Ok(retried);
        }
    }
    // It had not failed, or somebody else was faster: with a retry, or with the whole app.
    api.app(&key.workspace_id, &key.client_id).await?;
    let request =
        api.store.challenge_request(key).await?.ok_or_else(|| ApiError::not_found(NO_SUCH_TEST))?;
    if request.is_retried() {
        return Ok(request);
    }
    let message = "Only a production test that has failed can be tried again. details.status says where this one stands.";
    Err(ApiError::conflict(message).with_detail("status", request.status.as_str()))
}
