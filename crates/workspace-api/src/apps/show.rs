//! `GET /connect/v1/apps/{client_id}` (§11)

use axum::Json;
use axum::extract::State;
use domain::ClientId;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use wire::app::App;
use wire::error::ErrorEnvelope;

use super::{find, shown};
use crate::caller::{Caller, Read};
use crate::{NO_SUCH_APP, WorkspaceApi};

/// Read an app
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}",
    operation_id = "readApp",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(
        ("client_id" = String, Path, description = "The app's client id", pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM"),
    ),
    responses(
        (status = 200, description = "The app", body = App, headers(
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
) -> Result<Json<App>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    find(&api, &caller.workspace_id, &client_id).await.map(shown).map(Json)
}
