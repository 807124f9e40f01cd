//! `POST /connect/v1/api-keys` (§11)

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::api_key::{self, ApiKey, SecretHash};
use http_support::body::JsonObject;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use store_workspace::CreateApiKey as Create;
use wire::api_key::{CreateApiKey, CreatedApiKey, read_create_key};

use crate::caller::{Caller, Write};
use crate::state::WorkspaceApi;

/// Create an API key
///
/// The answer contains the secret, which is shown only here. A repetition makes another key:
/// revoke the one that is not needed.
#[utoipa::path(
    post,
    path = "/connect/v1/api-keys",
    operation_id = "createApiKey",
    tag = "API keys",
    security(("workspace_api_key" = [])),
    request_body(content = CreateApiKey, content_type = "application/json"),
    responses(
        (status = 201, description = "The key, with its secret", body = CreatedApiKey),
        Caller<Write>, JsonObject, ServerErrors,
    ),
)]
pub(crate) async fn create(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    JsonObject(body): JsonObject,
) -> Result<(StatusCode, Json<CreatedApiKey>), ApiError> {
    let now = api.clock_and_rng.now();
    let (name, access, expires_at) = read_create_key(&body, now).map_err(ApiError::validation)?;
    let secret = api_key::new_secret(api.environment, api.clock_and_rng.randomness());
    let key = ApiKey {
        id: api.clock_and_rng.ids().api_key(),
        workspace_id: caller.workspace_id.clone(),
        name,
        access,
        created_at: now,
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    let body = CreatedApiKey { key: (&key).into(), secret: secret.clone() };
    let write = Create { key, secret_hash: SecretHash::of(&secret) };
    if !api.store.create_api_key(write).await? {
        return Err(ApiError::internal("a key's workspace is gone"));
    }
    Ok((StatusCode::CREATED, Json(body)))
}
