//! `GET /connect/v1/api-keys` (§11)

use axum::Json;
use axum::extract::State;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use wire::api_key::ApiKey;

use crate::caller::{Caller, Read};
use crate::state::WorkspaceApi;

/// List the API keys
///
/// Those of the workspace that are valid, the oldest first, without their secrets.
#[utoipa::path(
    get,
    path = "/connect/v1/api-keys",
    operation_id = "listApiKeys",
    tag = "API keys",
    security(("workspace_api_key" = [])),
    responses(
        (status = 200, description = "The keys", body = Vec<ApiKey>),
        Caller<Read>, ServerErrors,
    ),
)]
pub(crate) async fn list(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
) -> Result<Json<Vec<ApiKey>>, ApiError> {
    let now = api.clock_and_rng.now();
    let keys = api.store.api_keys(Some(caller.workspace_id)).await?;
    Ok(Json(keys.iter().filter(|key| key.is_valid_at(now)).map(ApiKey::from).collect()))
}
