//! `POST /connect/v1/apps/{client_id}/rotate-client-secret` (§11)
//!
//! Errors, in this order: the credentials (401), the right to write (403), the idempotency key's
//! form (400), the app (404), the key's earlier use (409), the database (503).

use axum::extract::State;
use axum::http::HeaderMap;
use domain::api_key::SecretHash;
use domain::app::{new_client_secret, preview};
use domain::idempotency::IdempotencyKey;
use domain::sealed_secret::SealedSecret;
use domain::{ClientId, Timestamp, WorkspaceId};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::idempotency::{
    IdempotencyKeyHeader, IdempotentAction, KeyedRequest, Outcome, once,
};
use http_support::path::PathParameters;
use http_support::response::CreatedWithoutLocation;
use store_workspace::{IdempotentResult, RotateClientSecret, RotateSecretOutcome};
use wire::app::ClientSecret;

use super::registration::api_key;
use crate::caller::{Caller, Write};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Rotate an app's client secret
///
/// The new secret is shown only here, and in the answer to a repetition with the same API key and
/// idempotency key. The old secret is invalid at once.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/{client_id}/rotate-client-secret",
    operation_id = "rotateClientSecret",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(AppPath, IdempotencyKeyHeader),
    responses(
        (status = 201, description = "The new secret", body = ClientSecret),
        Caller<Write>, AppPath, IdempotentAction, ServerErrors,
    ),
)]
pub(crate) async fn rotate(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
    IdempotentAction(keyed): IdempotentAction,
    headers: HeaderMap,
) -> Result<CreatedWithoutLocation<ClientSecret>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let workspace_id = &caller.workspace_id;
    // Before the replay: a repetition must not show the secret of a deleted app.
    api.app(workspace_id, &client_id).await?;
    let rotation =
        Rotation { api: &api, workspace_id, client_id: &client_id, api_key: api_key(&headers) };
    let key = keyed.as_ref().map(|keyed| keyed.key.clone());
    let (client_secret, is_replay) = once(
        &api.in_flight,
        workspace_id.clone(),
        keyed,
        |key, lookup| api.find_earlier(workspace_id, key, lookup),
        |keyed| rotation.rotate(keyed),
        |made| Ok(rotation.replay(made, key.as_ref())),
    )
    .await?;
    Ok(CreatedWithoutLocation { body: ClientSecret { client_secret }, is_replay })
}

/// The app whose secret is rotated, and the API key that encrypts the stored secret.
struct Rotation<'a> {
    api: &'a WorkspaceApi,
    workspace_id: &'a WorkspaceId,
    client_id: &'a ClientId,
    api_key: &'a str,
}

impl Rotation<'_> {
    async fn rotate(
        &self,
        keyed: Option<KeyedRequest>,
    ) -> Result<Outcome<String, IdempotentResult>, ApiError> {
        let client_secret = new_client_secret(self.api.clock_and_rng.randomness());
        let now = self.api.clock_and_rng.now();
        let idempotency = match keyed {
            Some(keyed) => {
                let idempotency = keyed.idempotency(now);
                let context = context(self.client_id, &idempotency.key, idempotency.expires_at);
                let randomness = self.api.clock_and_rng.randomness();
                let sealed = SealedSecret::seal(&client_secret, self.api_key, &context, randomness);
                Some((idempotency, sealed))
            }
            None => None,
        };
        let write = RotateClientSecret {
            workspace_id: self.workspace_id.clone(),
            client_id: self.client_id.clone(),
            client_secret_hash: SecretHash::of(&client_secret),
            client_secret_preview: preview(&client_secret),
            idempotency,
            now,
        };
        match self.api.store.rotate_client_secret(write).await? {
            RotateSecretOutcome::Rotated => Ok(Outcome::Created(client_secret)),
            RotateSecretOutcome::Replay(made) => Ok(Outcome::Replay(*made)),
            RotateSecretOutcome::KeyConflict => Ok(Outcome::KeyConflict),
            RotateSecretOutcome::NoSuchApp => Err(ApiError::not_found(NO_SUCH_APP)),
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
    format!("rotation of {} under {} until {expires_at}", client_id.as_str(), key.as_str())
}
