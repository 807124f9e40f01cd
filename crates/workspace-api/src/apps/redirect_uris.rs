//! `GET` and `PUT /connect/v1/apps/{client_id}/redirect-uris` (§11)

use axum::Json;
use axum::extract::State;
use domain::ClientId;
use http_support::body::JsonObject;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::UpdateApp;
use wire::app::{RedirectUris, read_redirect_uris};
use wire::error::ErrorEnvelope;

use super::find;
use crate::caller::{Caller, Read, Write};
use crate::{NO_SUCH_APP, WorkspaceApi};

/// Read an app's redirect URIs
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}/redirect-uris",
    operation_id = "readRedirectUris",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(
        ("client_id" = String, Path, description = "The app's client id", pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM"),
    ),
    responses(
        (status = 200, description = "Where its users may be sent back to", body = RedirectUris, headers(
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 404, description = "The workspace has no such app", body = ErrorEnvelope),
        (status = 429, description = "Too many requests with this key", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn show(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    path: PathParameters,
) -> Result<Json<RedirectUris>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let record = find(&api, &caller.workspace_id, &client_id).await?;
    Ok(Json(RedirectUris { redirect_uris: record.redirect_uris }))
}

/// Replace an app's redirect URIs
#[utoipa::path(
    put,
    path = "/connect/v1/apps/{client_id}/redirect-uris",
    operation_id = "replaceRedirectUris",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(
        ("client_id" = String, Path, description = "The app's client id", pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM"),
    ),
    request_body(content = RedirectUris, content_type = "application/json"),
    responses(
        (status = 200, description = "Where its users may be sent back to now", body = RedirectUris, headers(
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
pub(crate) async fn replace(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
    JsonObject(body): JsonObject,
) -> Result<Json<RedirectUris>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    find(&api, &caller.workspace_id, &client_id).await?;
    let wanted = read_redirect_uris(&body).map_err(ApiError::validation)?;
    let write = UpdateApp {
        workspace_id: caller.workspace_id,
        client_id,
        name: None,
        redirect_uris: Some(wanted.redirect_uris.clone()),
        now: api.clock_and_rng.now(),
    };
    if api.store.update_app(write).await? {
        Ok(Json(wanted))
    } else {
        Err(ApiError::not_found(NO_SUCH_APP))
    }
}
