//! `POST /connect/v1/apps/{client_id}/webhook-config/rotate-secret` (§12)

use axum::extract::State;
use axum::http::HeaderMap;
use domain::app::preview;
use domain::idempotency::IdempotencyKey;
use domain::sealed_secret::SealedSecret;
use domain::webhook::new_secret;
use domain::{ClientId, Timestamp, WorkspaceId};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::idempotency::{
    IdempotencyKeyHeader, IdempotentAction, KeyedRequest, Outcome, once,
};
use http_support::path::PathParameters;
use http_support::query::QueryParameters;
use http_support::response::CreatedWithoutLocation;
use store_workspace::{IdempotentResult, RotateWebhookSecret, RotateWebhookSecretOutcome};
use wire::webhook::WebhookSecret;

use super::NO_WEBHOOK;
use crate::apps::api_key;
use crate::caller::{Caller, Write};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Rotate the secret of an app's webhook
///
/// The old secret signs beside the new one for 24 hours. A second rotation within them is refused,
/// unless `force` is true: then the oldest secret ends at once.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/{client_id}/webhook-config/rotate-secret",
    operation_id = "rotateWebhookSecret",
    tag = "Webhooks",
    security(("workspace_api_key" = [])),
    params(
        AppPath, IdempotencyKeyHeader,
        ("force" = Option<bool>, Query,
            description = "Whether to rotate although the secret before the last rotation still signs"),
    ),
    responses(
        (status = 201, description = "The new secret", body = WebhookSecret),
        Caller<Write>, AppPath, IdempotentAction, ServerErrors,
    ),
)]
pub(crate) async fn rotate(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
    mut query: QueryParameters,
    IdempotentAction(keyed): IdempotentAction,
    headers: HeaderMap,
) -> Result<CreatedWithoutLocation<WebhookSecret>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let force = query.take("force", "true or false", |_: &bool| true).unwrap_or(false);
    query.finish()?;
    let workspace_id = &caller.workspace_id;
    // Before the replay: a repetition must not show the secret of a deleted app.
    api.app(workspace_id, &client_id).await?;
    let rotation = Rotation {
        api: &api,
        workspace_id,
        client_id: &client_id,
        api_key: api_key(&headers),
        force,
    };
    let key = keyed.as_ref().map(|keyed| keyed.key.clone());
    let (secret, is_replay) = once(
        &api.in_flight,
        workspace_id.clone(),
        keyed,
        |key, lookup| api.find_earlier(workspace_id, key, lookup),
        |keyed| rotation.rotate(keyed),
        |made| Ok(rotation.replay(made, key.as_ref())),
    )
    .await?;
    Ok(CreatedWithoutLocation { body: WebhookSecret { secret }, is_replay })
}

/// The webhook whose secret is rotated, and the API key that encrypts the stored secret.
struct Rotation<'a> {
    api: &'a WorkspaceApi,
    workspace_id: &'a WorkspaceId,
    client_id: &'a ClientId,
    api_key: &'a str,
    force: bool,
}

impl Rotation<'_> {
    async fn rotate(
        &self,
        keyed: Option<KeyedRequest>,
    ) -> Result<Outcome<String, IdempotentResult>, ApiError> {
        let secret = new_secret(self.api.clock_and_rng.randomness());
        let now = self.api.clock_and_rng.now();
        let idempotency = keyed.map(|keyed| {
            let idempotency = keyed.idempotency(now);
            let context = context(self.client_id, &idempotency.key, idempotency.expires_at);
            let randomness = self.api.clock_and_rng.randomness();
            let sealed = SealedSecret::seal(&secret, self.api_key, &context, randomness);
            (idempotency, sealed)
        });
        let write = RotateWebhookSecret {
            workspace_id: self.workspace_id.clone(),
            client_id: self.client_id.clone(),
            new_secret: secret.clone(),
            force: self.force,
            idempotency,
            now,
        };
        match self.api.store.rotate_webhook_secret(write).await? {
            RotateWebhookSecretOutcome::Rotated => Ok(Outcome::Created(secret)),
            RotateWebhookSecretOutcome::Replay(made) => Ok(Outcome::Replay(*made)),
            RotateWebhookSecretOutcome::KeyConflict => Ok(Outcome::KeyConflict),
            RotateWebhookSecretOutcome::NoWebhook => Err(ApiError::conflict(NO_WEBHOOK)),
            RotateWebhookSecretOutcome::InRotation => Err(ApiError::conflict(
                "The secret was rotated less than 24 hours ago, and the one before it still signs. Wait, \
                 or end it at once with ?force=true.",
            )),
        }
    }

    /// The secret as it was shown. Another API key of the workspace cannot decrypt it and sees a
    /// placeholder.
    fn replay(&self, made: IdempotentResult, key: Option<&IdempotencyKey>) -> String {
        let open = |key| {
            let context = context(self.client_id, key, made.expires_at);
            made.sealed_secret.as_ref()?.open(self.api_key, &context)
        };
        key.and_then(open).unwrap_or_else(|| preview(""))
    }
}

/// The encryption context. It is unique among the stored rotations, because an idempotency key can
/// be used again only after its record has expired.
fn context(client_id: &ClientId, key: &IdempotencyKey, expires_at: Timestamp) -> String {
    format!("webhook rotation of {} under {} until {expires_at}", client_id.as_str(), key.as_str())
}
