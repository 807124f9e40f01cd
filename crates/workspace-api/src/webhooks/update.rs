//! `PATCH /connect/v1/apps/{client_id}/webhook-config` (§12)

use axum::Json;
use axum::extract::State;
use domain::webhook::{WebhookConfig as Config, new_secret};
use domain::{ClientId, WorkspaceId};
use http_support::body::JsonObject;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use serde_json::{Map, Value};
use store_workspace::ConfigureWebhook;
use wire::error::FieldError;
use wire::webhook::{UpdateWebhookConfig, WebhookConfig, read_webhook_change};

use super::to_body;
use crate::caller::{Caller, Write};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Configure an app's webhook
///
/// Members that are left out stay as they are. A webhook that was turned off because it failed for
/// three days is turned on again with `enabled`.
#[utoipa::path(
    patch,
    path = "/connect/v1/apps/{client_id}/webhook-config",
    operation_id = "updateWebhookConfig",
    tag = "Webhooks",
    security(("workspace_api_key" = [])),
    params(AppPath),
    request_body(content = UpdateWebhookConfig, content_type = "application/json"),
    responses(
        (status = 200, description = "The configuration as it is now", body = WebhookConfig),
        Caller<Write>, AppPath, JsonObject, ServerErrors,
    ),
)]
pub(crate) async fn update(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
    JsonObject(body): JsonObject,
) -> Result<Json<WebhookConfig>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    api.app(&caller.workspace_id, &client_id).await?;
    configure(&api, &caller.workspace_id, &client_id, &body).await?;
    let webhook = api.store.webhook(&caller.workspace_id, &client_id).await?;
    let secret = webhook.as_ref().map(|webhook| webhook.secrets.current.clone());
    Ok(Json(WebhookConfig { secret, ..to_body(webhook.as_ref()) }))
}

/// Merges a change into the webhook of an app.
pub(crate) async fn configure(
    api: &WorkspaceApi,
    workspace_id: &WorkspaceId,
    client_id: &ClientId,
    body: &Map<String, Value>,
) -> Result<(), ApiError> {
    let current = api.store.webhook(workspace_id, client_id).await?;
    let current = current.map_or_else(Config::default, |webhook| webhook.config);
    let config = merged(api, current, body).map_err(ApiError::validation)?;
    let write = ConfigureWebhook {
        workspace_id: workspace_id.clone(),
        client_id: client_id.clone(),
        config,
        new_secret: new_secret(api.clock_and_rng.randomness()),
        now: api.clock_and_rng.now(),
    };
    if api.store.configure_webhook(write).await? {
        Ok(())
    } else {
        Err(ApiError::not_found(NO_SUCH_APP))
    }
}

/// The configuration after a change.
pub(crate) fn merged(
    api: &WorkspaceApi,
    current: Config,
    body: &Map<String, Value>,
) -> Result<Config, Vec<FieldError>> {
    let policy = api.webhook_sender.policy();
    let check = |url: &str| policy.read_url(url).map(drop).map_err(|error| error.0);
    let config = read_webhook_change(body, &check)?.apply(current);
    if config.enabled && config.url.is_none() {
        let message = "url is required: events cannot be delivered without it.";
        return Err(vec![FieldError::missing("url", message.to_owned())]);
    }
    Ok(config)
}
