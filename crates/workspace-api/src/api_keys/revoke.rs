//! `DELETE /connect/v1/api-keys/{id}` (§11)

use axum::Json;
use axum::extract::State;
use domain::ApiKeyId;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::RevokeApiKey;
use wire::api_key::ApiKey;
use wire::error::ErrorEnvelope;

use crate::caller::{Caller, Write};
use crate::state::WorkspaceApi;

const NO_SUCH_KEY: &str = "This workspace has no such valid API key. Check the id in the path.";

/// Revoke an API key
///
/// It is refused from now on: by this server at once, by others within seconds. Sessions of the
/// console and links that it made end with it. A key may revoke itself.
#[utoipa::path(
    delete,
    path = "/connect/v1/api-keys/{id}",
    operation_id = "revokeApiKey",
    tag = "API keys",
    security(("workspace_api_key" = [])),
    params(("id" = String, Path, description = "The key's id",
        example = "key_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a")),
    responses(
        (status = 200, description = "The key that was revoked", body = ApiKey),
        Caller<Write>, ServerErrors,
        (status = 404, body = ErrorEnvelope, description = "There is no such valid key"),
    ),
)]
pub(crate) async fn revoke(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
) -> Result<Json<ApiKey>, ApiError> {
    let id: ApiKeyId = path.parse("id", NO_SUCH_KEY)?;
    let not_found = || ApiError::not_found(NO_SUCH_KEY);
    let now = api.clock_and_rng.now();
    let keys = api.store.api_keys_of(&[(caller.workspace_id.clone(), id)]).await?;
    let key = keys.into_iter().find(|key| key.is_valid_at(now)).ok_or_else(not_found)?;
    if !api.store.revoke_api_key(RevokeApiKey { id, now }).await? {
        return Err(not_found());
    }
    api.lookup_cache.remove_keys();
    Ok(Json((&key).into()))
}
