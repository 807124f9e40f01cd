//! `POST /connect/v1/apps/{client_id}/rotate-client-secret` (§11)

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::ClientId;
use domain::api_key::SecretHash;
use domain::app::{new_client_secret, preview};
use store::connect::RotateClientSecret;
use wire::app::ClientSecret;
use wire::error::ErrorEnvelope;

use crate::web::error::ApiError;
use crate::web::path::PathParameters;
use crate::workspace_api::caller::{Caller, Write};
use crate::workspace_api::{NO_SUCH_APP, WorkspaceApi};

/// Give an app another secret
///
/// It is shown this once; only its hash is kept. The old one is dead at once.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/{client_id}/rotate-client-secret",
    operation_id = "rotateClientSecret",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(
        ("client_id" = String, Path, description = "The app's client id", pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM"),
    ),
    responses(
        (status = 201, description = "The new secret", body = ClientSecret, headers(
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 403, description = "The key may only read", body = ErrorEnvelope),
        (status = 404, description = "The workspace has no such app", body = ErrorEnvelope),
        (status = 429, description = "Too many requests with this key", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn rotate(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
) -> Result<(StatusCode, Json<ClientSecret>), ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let client_secret = new_client_secret(api.world.randomness());
    let unit = RotateClientSecret {
        workspace_id: caller.workspace_id,
        client_id,
        client_secret_hash: SecretHash::of(&client_secret),
        client_secret_preview: preview(&client_secret),
        now: api.world.now(),
    };
    if !api.store.rotate_client_secret(unit).await? {
        return Err(ApiError::not_found(NO_SUCH_APP));
    }
    Ok((StatusCode::CREATED, Json(ClientSecret { client_secret })))
}
