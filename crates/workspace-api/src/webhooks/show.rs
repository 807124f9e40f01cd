//! `GET /connect/v1/apps/{client_id}/webhook-config` (§12)

use axum::Json;
use axum::extract::State;
use domain::ClientId;
use domain::api_key::Access;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use wire::webhook::WebhookConfig;

use super::to_body;
use crate::caller::{Caller, Read};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Read an app's webhook
///
/// With the secret, if the key has full access and the webhook was ever configured.
#[utoipa::path(
    get,
    path = "/connect/v1/apps/{client_id}/webhook-config",
    operation_id = "readWebhookConfig",
    tag = "Webhooks",
    security(("workspace_api_key" = [])),
    params(AppPath),
    responses(
        (status = 200, description = "The configuration", body = WebhookConfig),
        Caller<Read>, AppPath, ServerErrors,
    ),
)]
pub(crate) async fn show(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    path: PathParameters,
) -> Result<Json<WebhookConfig>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    api.app(&caller.workspace_id, &client_id).await?;
    let webhook = api.store.webhook(&caller.workspace_id, &client_id).await?;
    let secret = webhook
        .as_ref()
        .filter(|_| caller.access == Access::Full)
        .map(|webhook| webhook.secrets.current.clone());
    Ok(Json(WebhookConfig { secret, ..to_body(webhook.as_ref()) }))
}
