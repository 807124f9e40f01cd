//! `PATCH /connect/v1/apps/{client_id}` (§11)

use axum::Json;
use axum::extract::State;
use domain::ClientId;
use http_support::body::JsonObject;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::{AppChange, UpdateApp as Change};
use wire::app::{App, UpdateApp, read_update};

use super::{find, with_webhook};
use crate::caller::{Caller, Write};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};
use crate::webhooks::update::configure;

/// Change an app
///
/// Members that are left out stay as they are. The client id and the secret cannot be changed here;
/// they are ignored. Existing production tests keep the app's former name.
#[utoipa::path(
    patch,
    path = "/connect/v1/apps/{client_id}",
    operation_id = "updateApp",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(AppPath),
    request_body(content = UpdateApp, content_type = "application/json"),
    responses(
        (status = 200, description = "The app as it is now", body = App),
        Caller<Write>, AppPath, JsonObject, ServerErrors,
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
    let UpdateApp {
        name,
        redirect_uris,
        logo,
        default_success_redirect_uri,
        default_failure_redirect_uri,
        webhook_config,
    } = read_update(&body, api.environment).map_err(ApiError::validation)?;
    let change = AppChange {
        name,
        redirect_uris,
        logo,
        default_success_redirect_uri,
        default_failure_redirect_uri,
    };
    if let Some(webhook) = &webhook_config {
        configure(&api, &caller.workspace_id, &client_id, webhook).await?;
    }
    let (workspace_id, now) = (caller.workspace_id.clone(), api.clock_and_rng.now());
    if change != AppChange::default() {
        let write = Change { workspace_id, client_id: client_id.clone(), change, now };
        api.store.update_app(write).await?;
        api.evict_app(&caller.workspace_id, &client_id);
    }
    let record = find(&api, &caller.workspace_id, &client_id).await?;
    with_webhook(&api, record).await.map(Json)
}
