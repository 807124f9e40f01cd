//! `GET /connect/v1/verifiers` (§11)

use axum::Json;
use axum::extract::State;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use wire::error::ErrorEnvelope;
use wire::verifier::Verifier;

use crate::caller::{Caller, Read};
use crate::state::WorkspaceApi;

/// List verifiers
///
/// Who verifies the testers of each provider of this deployment, and how it goes: what stands in the
/// way of a test that was ordered. A provider that nobody verifies is absent.
#[utoipa::path(
    get,
    path = "/connect/v1/verifiers",
    operation_id = "listVerifiers",
    tag = "Providers",
    security(("workspace_api_key" = [])),
    responses(
        (status = 200, description = "The verifiers, in the catalogue's order", body = [Verifier]),
        Caller<Read>, ServerErrors,
        (status = 503, body = ErrorEnvelope,
            description = "The database or the challenge service cannot be reached at the moment"),
    ),
)]
pub(crate) async fn list(
    State(api): State<WorkspaceApi>,
    _caller: Caller<Read>,
) -> Result<Json<Vec<Verifier>>, ApiError> {
    let message = "The challenge service cannot be reached at the moment. Try again in a moment.";
    let verifiers = api.challenge_service.verifiers().await;
    verifiers.map(Json).map_err(|error| ApiError::unavailable(message, error))
}
