//! `GET /connect/v1/workspace` (§11)

use axum::Json;
use axum::extract::State;
use http_support::error::ApiError;
use wire::error::ErrorEnvelope;
use wire::workspace::Workspace;

use crate::WorkspaceApi;
use crate::caller::{Caller, Read};

/// Read the workspace
///
/// Whose key this is: good for trying a key out.
#[utoipa::path(
    get,
    path = "/connect/v1/workspace",
    operation_id = "readWorkspace",
    tag = "Workspace",
    security(("workspace_api_key" = [])),
    responses(
        (status = 200, description = "The workspace", body = Workspace, headers(
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 429, description = "Too many requests with this key", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn show(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
) -> Result<Json<Workspace>, ApiError> {
    let found = api.store.workspace(&caller.workspace_id).await?;
    // Whoever has a key has a workspace.
    let (workspace, apps) = found.ok_or_else(|| ApiError::internal("a key's workspace is gone"))?;
    Ok(Json(Workspace::new(&workspace.id, apps, workspace.created_at)))
}
