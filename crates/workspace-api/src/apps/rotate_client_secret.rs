//! `POST /connect/v1/apps/{client_id}/rotate-client-secret` (§11)
//!
//! What can go wrong, in this order: the credentials (401), the right to change things (403), the
//! idempotency key's form (400), the app (404), the key's earlier use (409), the database (503).

use axum::extract::State;
use axum::http::HeaderMap;
use domain::api_key::SecretHash;
use domain::app::{new_client_secret, preview};
use domain::idempotency::IdempotencyKey;
use domain::sealed_secret::SealedSecret;
use domain::{ClientId, Timestamp, WorkspaceId};
use http_support::error::ApiError;
use http_support::idempotency::{IdempotentAction, KeyedRequest, Outcome, once};
use http_support::path::PathParameters;
use http_support::response::CreatedWithoutLocation;
use store_workspace::{IdempotentResult, RotateClientSecret, RotateSecretOutcome};
use wire::app::ClientSecret;
use wire::error::ErrorEnvelope;

use super::registration::api_key;
use crate::caller::{Caller, Write};
use crate::{NO_SUCH_APP, WorkspaceApi};

/// Give an app another secret
///
/// It is shown this once, and again to whoever repeats the request with the same API key and
/// idempotency key; only its hash is kept. The old one is dead at once.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/{client_id}/rotate-client-secret",
    operation_id = "rotateClientSecret",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(
        ("client_id" = String, Path, description = "The app's client id", pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM"),
        ("Idempotency-Key" = Option<String>, Header, description = "A value of your choice, at most 255 characters, such as a \
            UUID: a repetition with the same key within 24 hours is answered as the first request was, and makes no other \
            secret", min_length = 1, max_length = 255, example = "6f0d7d1e-3c55-4b0e-9a53-0a1f7a0f8c11"),
    ),
    responses(
        (status = 201, description = "The new secret", body = ClientSecret, headers(
            ("Idempotency-Replayed" = String, description = "`true` when this is the answer to an earlier request"),
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 400, description = "The idempotency key cannot be one", body = ErrorEnvelope),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 403, description = "The key may only read", body = ErrorEnvelope),
        (status = 404, description = "The workspace has no such app", body = ErrorEnvelope),
        (status = 409, description = "The idempotency key was used for another request, or its first request is still being \
            worked on", body = ErrorEnvelope),
        (status = 429, description = "Too many requests with this key", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment", body = ErrorEnvelope),
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
    // A repetition does not show the secret of an app that was deleted.
    api.app(workspace_id, &client_id).await?;
    let rotation =
        Rotation { api: &api, workspace_id, client_id: &client_id, api_key: api_key(&headers)? };
    let key = keyed.as_ref().map(|keyed| keyed.key.clone());
    let (client_secret, is_replay) = once(
        &api.in_flight,
        workspace_id.clone(),
        keyed,
        |key, lookup| api.find_earlier(workspace_id, key, lookup),
        |keyed| rotation.rotate(keyed),
        |made| Ok(rotation.show_again(made, key.as_ref())),
    )
    .await?;
    Ok(CreatedWithoutLocation { body: ClientSecret { client_secret }, is_replay })
}

/// Which app gets another secret, and whose key seals it.
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
                let sealed = SealedSecret::seal(&client_secret, self.api_key, &context)
                    .ok_or_else(|| ApiError::internal("a new secret is malformed"))?;
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

    /// The secret as it was shown; another API key of the workspace sees only that there is one.
    fn show_again(&self, made: IdempotentResult, key: Option<&IdempotencyKey>) -> String {
        let open = |key| {
            let context = context(self.client_id, key, made.expires_at);
            made.sealed_secret.as_ref()?.open(self.api_key, &context)
        };
        key.and_then(open).unwrap_or_else(|| preview(""))
    }
}

/// No two rotations that are kept have the same: a key can be used again only after a day.
fn context(client_id: &ClientId, key: &IdempotencyKey, expires_at: Timestamp) -> String {
    format!("rotation of {} under {} until {expires_at}", client_id.as_str(), key.as_str())
}
