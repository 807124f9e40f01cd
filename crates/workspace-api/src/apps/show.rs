//! `GET /connect/v1/apps/{client_id}` (§11)

use axum::Json;
use axum::extract::State;
use domain::ClientId;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use wire::app::App;

use super::{find, with_webhook};
use crate::caller::{Caller, Read};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Read an app
///
/// Without its client secret, which is shown once: when the app is created or the secret rotates.
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}",
    operation_id = "readApp",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(AppPath),
    responses(
        (status = 200, description = "The app", body = App),
        Caller<Read>, AppPath, ServerErrors,
    ),
)]
pub(crate) async fn show(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    path: PathParameters,
) -> Result<Json<App>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let record = find(&api, &caller.workspace_id, &client_id).await?;
    with_webhook(&api, record).await.map(Json)
}
