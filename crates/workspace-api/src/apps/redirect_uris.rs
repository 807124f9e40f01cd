//! `GET` and `PUT /connect/v1/apps/{client_id}/redirect-uris` (§11)

use axum::Json;
use axum::extract::State;
use domain::ClientId;
use http_support::body::JsonObject;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::{AppChange, UpdateApp};
use wire::app::{RedirectUris, read_redirect_uris};

use super::find;
use crate::caller::{Caller, Read, Write};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Read an app's redirect URIs
///
/// The hosts that its users are sent back to after an eID.
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}/redirect-uris",
    operation_id = "readRedirectUris",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(AppPath),
    responses(
        (status = 200, description = "The app's redirect URIs", body = RedirectUris),
        Caller<Read>, AppPath, ServerErrors,
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
///
/// The app then has these redirect URIs and no others.
#[utoipa::path(
    put,
    path = "/connect/v1/apps/{client_id}/redirect-uris",
    operation_id = "replaceRedirectUris",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(AppPath),
    request_body(content = RedirectUris, content_type = "application/json"),
    responses(
        (status = 200, description = "The app's redirect URIs now", body = RedirectUris),
        Caller<Write>, AppPath, JsonObject, ServerErrors,
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
    let replacement = read_redirect_uris(&body, api.environment).map_err(ApiError::validation)?;
    let write = UpdateApp {
        workspace_id: caller.workspace_id,
        client_id,
        change: AppChange {
            redirect_uris: Some(replacement.redirect_uris.clone()),
            ..AppChange::default()
        },
        now: api.clock_and_rng.now(),
    };
    if api.store.update_app(write).await? {
        Ok(Json(replacement))
    } else {
        Err(ApiError::not_found(NO_SUCH_APP))
    }
}
