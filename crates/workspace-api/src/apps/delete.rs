//! `DELETE /connect/v1/apps/{client_id}` (§11)

use axum::Json;
use axum::extract::State;
use domain::ClientId;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::DeleteApp;
use wire::app::App;

use super::{find, with_webhook};
use crate::caller::{Caller, Write};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Delete an app
///
/// Deletes the app and its production tests for good: pending requests are cancelled, and active
/// challenges are closed soon after. The client id is never given to another app.
#[utoipa::path(
    delete,
    path = "/connect/v1/apps/{client_id}",
    operation_id = "deleteApp",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(AppPath),
    responses(
        (status = 200, description = "The app as it was", body = App),
        Caller<Write>, AppPath, ServerErrors,
    ),
)]
pub(crate) async fn delete(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
) -> Result<Json<App>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let record = find(&api, &caller.workspace_id, &client_id).await?;
    let body = with_webhook(&api, record).await?;
    let write = DeleteApp {
        workspace_id: caller.workspace_id.clone(),
        client_id: client_id.clone(),
        now: api.clock_and_rng.now(),
    };
    let is_deleted = api.store.delete_app(write).await?;
    api.evict_app(&caller.workspace_id, &client_id);
    if is_deleted { Ok(Json(body)) } else { Err(ApiError::not_found(NO_SUCH_APP)) }
}
