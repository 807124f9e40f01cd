//! `POST /connect/v1/apps/{client_id}/webhook-config/test` (§12)

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use domain::{ClientId, base62};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use serde_json::json;
use webhooks::Message;
use wire::error::ErrorEnvelope;
use wire::webhook::WebhookAttempt;

use super::NO_WEBHOOK;
use crate::caller::{Caller, Write};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// The longest time that this waits for a receiver, so that the request itself is answered.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// Send a test event
///
/// Sends a signed event `webhook.test` to the webhook's URL, whether it is enabled or not, and
/// answers what the receiver said. It is no delivery: it is neither logged nor repeated.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/{client_id}/webhook-config/test",
    operation_id = "testWebhook",
    tag = "Webhooks",
    security(("workspace_api_key" = [])),
    params(AppPath),
    responses(
        (status = 200, description = "What the receiver said", body = WebhookAttempt),
        Caller<Write>, AppPath, ServerErrors,
        (status = 409, body = ErrorEnvelope, description = "The webhook has no URL yet"),
    ),
)]
pub(crate) async fn test(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
) -> Result<Json<WebhookAttempt>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    api.app(&caller.workspace_id, &client_id).await?;
    let webhook = api.store.webhook(&caller.workspace_id, &client_id).await?;
    let webhook = webhook.ok_or_else(|| ApiError::conflict(NO_WEBHOOK))?;
    let url = webhook.config.url.as_deref().ok_or_else(|| ApiError::conflict(NO_WEBHOOK))?;
    let id = format!("evt_test_{}", base62::random(api.clock_and_rng.randomness(), 22));
    let body = json!({
        "event": "webhook.test",
        "eventId": id,
        "timestamp": api.clock_and_rng.now().to_string(),
        "apiVersion": "v1",
        "clientId": client_id.as_str(),
        "data": {},
    });
    let timeout = Duration::from_secs(webhook.config.timeout_seconds.into());
    let message = Message {
        url,
        secrets: &webhook.secrets,
        id: &id,
        body: &body.to_string(),
        timeout: timeout.min(LONGEST_WAIT),
    };
    let attempt = api.webhook_sender.send(&message).await;
    serde_json::from_value(attempt.to_body()).map(Json).map_err(ApiError::internal)
}
