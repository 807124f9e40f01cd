//! `POST /connect/v1/apps/{client_id}/production-tests/{id}/retry` (§7)
//!
//! Errors, in this order: the credentials (401), the right to write (403), the app or the test
//! (404), its state (409), the database (503).

use axum::Json;
use axum::extract::State;
use db::Channel;
use domain::ClientId;
use domain::challenge_request::ChallengeRequest;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::{RequestKey, RetryRequest};
use wire::error::ErrorEnvelope;
use wire::production_test::ProductionTest;

use super::NO_SUCH_TEST;
use super::show::{ProductionTestId, find};
use crate::caller::{Caller, Write};
use crate::documentation::TestPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Retry a production test
///
/// A failed request becomes pending again and is attempted at once, for up to another day. Retrying
/// is idempotent.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/{client_id}/production-tests/{id}/retry",
    operation_id = "retryProductionTest",
    tag = "Production tests",
    security(("workspace_api_key" = [])),
    params(TestPath),
    responses(
        (status = 200, description = "The production test as it is now", body = ProductionTest),
        Caller<Write>, TestPath, ServerErrors,
        (status = 409, body = ErrorEnvelope,
            description = "It has not failed: `details.status` is its status"),
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
    // The request had not failed, or was retried or deleted with its app meanwhile.
    api.app(&key.workspace_id, &key.client_id).await?;
    let request =
        api.store.challenge_request(key).await?.ok_or_else(|| ApiError::not_found(NO_SUCH_TEST))?;
    if request.is_retried() {
        return Ok(request);
    }
    let message = "Only a production test that has failed can be tried again. details.status says \
                   where this one stands.";
    Err(ApiError::conflict(message).with_detail("status", request.status.as_str()))
}
