//! `DELETE /connect/v1/apps/{client_id}` (§11)

use axum::Json;
use axum::extract::State;
use domain::ClientId;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::DeleteApp;
use wire::app::App;
use wire::error::ErrorEnvelope;

use super::{find, shown};
use crate::caller::{Caller, Write};
use crate::{NO_SUCH_APP, WorkspaceApi};

/// Delete an app
///
/// For good, and with it goes what it has ordered: pending requests are cancelled, and active
/// challenges are closed soon. The client id is never given to another app.
#[utoipa::path(
    delete,
    path = "/connect/v1/apps/{client_id}",
    operation_id = "deleteApp",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(
        ("client_id" = String, Path, description = "The app's client id", pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM"),
    ),
    responses(
        (status = 200, description = "The app as it was", body = App, headers(
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 403, description = "The key may only read", body = ErrorEnvelope),
        (status = 404, description = "The workspace has no such app", body = ErrorEnvelope),
        (status = 429, description = "Too many requests with this key", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn delete(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
) -> Result<Json<App>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let record = find(&api, &caller.workspace_id, &client_id).await?;
    let write = DeleteApp {
        workspace_id: caller.workspace_id.clone(),
        client_id: client_id.clone(),
        now: api.clock_and_rng.now(),
    };
    let is_deleted = api.store.delete_app(write).await?;
    api.forget_app(&caller.workspace_id, &client_id);
    if is_deleted { Ok(Json(shown(record))) } else { Err(ApiError::not_found(NO_SUCH_APP)) }
}
