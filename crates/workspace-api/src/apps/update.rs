//! `PATCH /connect/v1/apps/{client_id}` (§11)

use axum::Json;
use axum::extract::State;
use domain::ClientId;
use http_support::body::JsonObject;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::UpdateApp as Change;
use wire::app::{App, UpdateApp, read_update};
use wire::error::ErrorEnvelope;

use super::{find, shown};
use crate::caller::{Caller, Write};
use crate::{NO_SUCH_APP, WorkspaceApi};

/// Change an app
///
/// What is left out stays as it is. The client id and the secret cannot be changed so; they are
/// ignored. Tests that are ordered already keep the name that the app had.
#[utoipa::path(
    patch,
    path = "/connect/v1/apps/{client_id}",
    operation_id = "updateApp",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(
        ("client_id" = String, Path, description = "The app's client id", pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM"),
    ),
    request_body(content = UpdateApp, content_type = "application/json"),
    responses(
        (status = 200, description = "The app as it is now", body = App, headers(
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 400, description = "A value cannot be understood", body = ErrorEnvelope),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 403, description = "The key may only read", body = ErrorEnvelope),
        (status = 404, description = "The workspace has no such app", body = ErrorEnvelope),
        (status = 413, description = "The body is larger than 64 KiB", body = ErrorEnvelope),
        (status = 415, description = "The body is not declared as JSON", body = ErrorEnvelope),
        (status = 429, description = "Too many requests with this key", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn update(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
    JsonObject(body): JsonObject,
) -> Result<Json<App>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    find(&api, &caller.workspace_id, &client_id).await?;
    let UpdateApp { name, redirect_uris } = read_update(&body).map_err(ApiError::validation)?;
    let (workspace_id, now) = (caller.workspace_id.clone(), api.clock_and_rng.now());
    if name.is_some() || redirect_uris.is_some() {
        let write = Change { workspace_id, client_id: client_id.clone(), name, redirect_uris, now };
        api.store.update_app(write).await?;
        api.forget_app(&caller.workspace_id, &client_id);
    }
    find(&api, &caller.workspace_id, &client_id).await.map(shown).map(Json)
}
