//! `GET /connect/v1/workspace` (§11)

use axum::Json;
use axum::extract::State;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use wire::workspace::Workspace;

use crate::caller::{Caller, Read};
use crate::state::WorkspaceApi;

/// Read the workspace
///
/// The workspace that the API key belongs to. A simple request for trying out a key.
#[utoipa::path(
    get,
    path = "/connect/v1/workspace",
    operation_id = "readWorkspace",
    tag = "Workspace",
    security(("workspace_api_key" = [])),
    responses(
        (status = 200, description = "The workspace", body = Workspace),
        Caller<Read>, ServerErrors,
    ),
)]
pub(crate) async fn show(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
) -> Result<Json<Workspace>, ApiError> {
    let found = api.store.workspace(&caller.workspace_id).await?;
    // Every key belongs to a workspace.
    let (workspace, apps) = found.ok_or_else(|| ApiError::internal("a key's workspace is gone"))?;
    Ok(Json(Workspace::new(&workspace.id, apps, workspace.created_at)))
}
