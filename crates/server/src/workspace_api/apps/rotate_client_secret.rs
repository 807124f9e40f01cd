//! `POST /connect/v1/apps/{client_id}/rotate-client-secret` (§11)
//!
//! What can go wrong, in this order: the credentials (401), the right to change things (403), the idempotency key's form (400),
//! the app (404), the key's earlier use (409), the database (503).

use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, Method};
use domain::api_key::SecretHash;
use domain::app::{new_client_secret, preview};
use domain::idempotency::{Fingerprint, IdempotencyKey};
use domain::sealed_secret::SealedSecret;
use domain::{ClientId, Timestamp};
use serde_json::Map;
use store::Idempotency;
use store::connect::{KeyRecord, RotateClientSecret, Rotated};
use wire::app::ClientSecret;
use wire::error::ErrorEnvelope;

use super::create::{Guard, token, turn};
use crate::web::error::ApiError;
use crate::web::idempotency::IdempotencyKeyHeader;
use crate::web::path::PathParameters;
use crate::web::response::Made;
use crate::workspace_api::caller::{Caller, Write};
use crate::workspace_api::{NO_SUCH_APP, WorkspaceApi};

/// Give an app another secret
///
/// It is shown this once, and again to whoever repeats the request with the same API key and idempotency key; only its hash is
/// kept. The old one is dead at once.
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
    IdempotencyKeyHeader(key): IdempotencyKeyHeader,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Made<ClientSecret>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let api_key = token(&headers)?;
    let _turn = turn(&api, &caller.workspace_id, key.as_ref()).await?;
    let client_secret = new_client_secret(api.world.randomness());
    let now = api.world.now();
    // The request has no body.
    let fingerprint = Fingerprint::of(method.as_str(), uri.path(), &Map::new());
    let idempotency = match key {
        Some(key) => {
            let idempotency = Guard { key, fingerprint }.from(now);
            let sealed = seal(&client_secret, api_key, &client_id, &idempotency)?;
            Some((idempotency, sealed))
        }
        None => None,
    };
    let key = idempotency.as_ref().map(|(idempotency, _)| idempotency.key.clone());
    let unit = RotateClientSecret {
        workspace_id: caller.workspace_id,
        client_id: client_id.clone(),
        client_secret_hash: SecretHash::of(&client_secret),
        client_secret_preview: preview(&client_secret),
        idempotency,
        now,
    };
    match (api.store.rotate_client_secret(unit).await?, key) {
        (Rotated::Yes, _) => Ok(Made { body: ClientSecret { client_secret }, is_replay: false }),
        (Rotated::Repeated(earlier), Some(key)) => {
            let client_secret = open(earlier, api_key, &client_id, &key).unwrap_or_else(|| preview(""));
            Ok(Made { body: ClientSecret { client_secret }, is_replay: true })
        }
        (Rotated::NoSuchApp, _) => Err(ApiError::not_found(NO_SUCH_APP)),
        (Rotated::KeyConflict | Rotated::Repeated(_), _) => Err(ApiError::key_conflict()),
    }
}

fn seal(
    client_secret: &str,
    api_key: &str,
    client_id: &ClientId,
    idempotency: &Idempotency,
) -> Result<SealedSecret, ApiError> {
    let Idempotency { key, expires_at, fingerprint: _ } = idempotency;
    SealedSecret::seal(client_secret, api_key, &purpose(client_id, key, *expires_at))
        .ok_or_else(|| ApiError::internal("a new secret is malformed"))
}

fn open(earlier: KeyRecord, api_key: &str, client_id: &ClientId, key: &IdempotencyKey) -> Option<String> {
    earlier.sealed_secret?.open(api_key, &purpose(client_id, key, earlier.expires_at))
}

/// No two rotations that are kept have the same: a key can be used again only after a day.
fn purpose(client_id: &ClientId, key: &IdempotencyKey, expires_at: Timestamp) -> String {
    format!("rotation of {} under {} until {expires_at}", client_id.as_str(), key.as_str())
}
