//! `POST /connect/v1/apps` (§11)
//!
//! What can go wrong, in this order: the credentials (401), the right to change things (403), the idempotency key's form (400),
//! the body (415, 413, 400), the key's earlier use (409), the fields (400), the database (503).

use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, Method};
use domain::api_key::SecretHash;
use domain::app::{App as Record, new_client_secret, preview};
use domain::idempotency::{Fingerprint, IdempotencyKey, VALIDITY};
use domain::sealed_secret::SealedSecret;
use domain::{ClientId, Timestamp, WorkspaceId};
use serde_json::{Map, Value};
use store::Idempotency;
use store::connect::{CreateApp, KeyRecord, RegisterApp, Registered};
use wire::app::{App, CreateApp as Wish, read_app};
use wire::error::ErrorEnvelope;

use crate::web::bearer;
use crate::web::body::JsonObject;
use crate::web::error::ApiError;
use crate::web::idempotency::IdempotencyKeyHeader;
use crate::web::in_flight::Turn;
use crate::web::response::Created;
use crate::workspace_api::WorkspaceApi;
use crate::workspace_api::caller::{Caller, Write};

/// What every app has from the beginning, where the catalogue knows it.
const FIRST_PROVIDER: &str = "passport";

/// How often another client id is tried when one is taken: with 62^8 of them, the second is free.
const ATTEMPTS: usize = 4;

/// Make an app
///
/// Its secret is shown this once, and again to whoever repeats the request with the same API key and idempotency key. The provider
/// `passport` is enabled; enable others to order tests.
#[utoipa::path(
    post,
    path = "/connect/v1/apps",
    operation_id = "createApp",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "A value of your choice, at most 255 characters, such as a \
            UUID: a repetition with the same key and body within 24 hours is answered as the first request was, and makes \
            nothing new", nullable = false, min_length = 1, max_length = 255, example = "6f0d7d1e-3c55-4b0e-9a53-0a1f7a0f8c11"),
    ),
    request_body(content = Wish, content_type = "application/json"),
    responses(
        (status = 201, description = "The app, with its whole secret", body = App, headers(
            ("Location" = String, description = "Where the app can be read"),
            ("Idempotency-Replayed" = String, description = "`true` when this is the answer to an earlier request"),
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 400, description = "A value cannot be understood", body = ErrorEnvelope),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 403, description = "The key may only read", body = ErrorEnvelope),
        (status = 409, description = "The idempotency key was used for another request, or its first request is still being \
            worked on", body = ErrorEnvelope),
        (status = 413, description = "The body is larger than 64 KiB", body = ErrorEnvelope),
        (status = 415, description = "The body is not declared as JSON", body = ErrorEnvelope),
        (status = 429, description = "Too many requests with this key", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn create(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    IdempotencyKeyHeader(key): IdempotencyKeyHeader,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    JsonObject(body): JsonObject,
) -> Result<Created<App>, ApiError> {
    let fingerprint = Fingerprint::of(method.as_str(), uri.path(), &body);
    let _turn = turn(&api, &caller.workspace_id, key.as_ref()).await?;
    let guard = key.map(|key| Guard { key, fingerprint });
    let request = Request { workspace_id: &caller.workspace_id, api_key: token(&headers)?, guard, batch: None };
    let (body, is_replay) = register(&api, request, &body).await?;
    let location = format!("/connect/v1/apps/{}", body.client_id);
    Ok(Created { body, location, is_replay })
}

/// The API key of a request that has passed [`Caller`].
pub(super) fn token(headers: &HeaderMap) -> Result<&str, ApiError> {
    bearer::token(headers).ok_or_else(ApiError::invalid_credentials)
}

/// Waits until nobody else works on the same key.
pub(super) async fn turn(
    api: &WorkspaceApi,
    workspace_id: &WorkspaceId,
    key: Option<&IdempotencyKey>,
) -> Result<Option<Turn<(WorkspaceId, IdempotencyKey)>>, ApiError> {
    match key {
        Some(key) => Ok(Some(api.in_flight.turn((workspace_id.clone(), key.clone())).await?)),
        None => Ok(None),
    }
}

/// How a repetition is recognised.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) key: IdempotencyKey,
    pub(super) fingerprint: Fingerprint,
}

impl Guard {
    pub(super) fn from(&self, now: Timestamp) -> Idempotency {
        Idempotency { key: self.key.clone(), fingerprint: self.fingerprint, expires_at: now.plus(VALIDITY) }
    }

    /// What the same request has made before; a conflict, if it was another one.
    pub(super) async fn earlier(
        &self,
        api: &WorkspaceApi,
        workspace_id: &WorkspaceId,
    ) -> Result<Option<KeyRecord>, ApiError> {
        match api.store.key_record(workspace_id, &self.key, api.world.now()).await? {
            Some(earlier) if earlier.fingerprint != self.fingerprint => Err(ApiError::key_conflict()),
            earlier => Ok(earlier),
        }
    }
}

/// Who wants an app, and how a repetition is recognised.
pub(super) struct Request<'a> {
    pub(super) workspace_id: &'a WorkspaceId,
    /// With it the new app's secret is sealed, so that nobody else can have it shown again.
    pub(super) api_key: &'a str,
    pub(super) guard: Option<Guard>,
    /// The batch that the app is one of, if that has a key.
    pub(super) batch: Option<&'a Guard>,
}

/// Makes the app that the body describes, or finds what the same request has made; and whether it was the latter.
pub(super) async fn register(
    api: &WorkspaceApi,
    request: Request<'_>,
    body: &Map<String, Value>,
) -> Result<(App, bool), ApiError> {
    if let Some(guard) = &request.guard {
        guard.earlier(api, request.workspace_id).await?;
    }
    let Wish { name, redirect_uris } = read_app(body).map_err(ApiError::validation)?;
    let redirect_uris = redirect_uris.unwrap_or_default();
    let client_secret = new_client_secret(api.world.randomness());
    let first = api.catalogue.get(FIRST_PROVIDER).map(|provider| provider.id.clone());
    for _ in 0..ATTEMPTS {
        let app = Record {
            workspace_id: request.workspace_id.clone(),
            client_id: ClientId::random(api.world.randomness()),
            name: name.clone(),
            enabled_providers: first.iter().cloned().collect(),
            requested_providers: [].into(),
            created_at: api.world.now(),
        };
        let unit = unit(&request, &app, &client_secret, &redirect_uris)?;
        match api.store.register_app(unit).await? {
            Registered::Yes => return Ok((App::new(&app, client_secret, redirect_uris, app.created_at), false)),
            Registered::Taken => {}
            Registered::Repeated(earlier) => return Ok((repeated(&request, app, earlier, redirect_uris), true)),
            Registered::KeyConflict => return Err(ApiError::key_conflict()),
        }
    }
    Err(ApiError::internal("no client id was free"))
}

fn unit(
    request: &Request<'_>,
    app: &Record,
    client_secret: &str,
    redirect_uris: &[String],
) -> Result<RegisterApp, ApiError> {
    let idempotency = match &request.guard {
        Some(guard) => {
            let sealed = SealedSecret::seal(client_secret, request.api_key, app.client_id.as_str());
            let sealed = sealed.ok_or_else(|| ApiError::internal("a new secret is malformed"))?;
            Some((guard.from(app.created_at), sealed))
        }
        None => None,
    };
    let create = CreateApp {
        app: app.clone(),
        client_secret_hash: SecretHash::of(client_secret),
        client_secret_preview: preview(client_secret),
    };
    let batch = request.batch.map(|guard| guard.from(app.created_at));
    Ok(RegisterApp { create, redirect_uris: redirect_uris.to_vec(), idempotency, batch })
}

/// The app as it was when it was made: the same request describes the same app. Another API key of the workspace sees no more of
/// the secret than that there is one.
fn repeated(request: &Request<'_>, app: Record, earlier: KeyRecord, redirect_uris: Vec<String>) -> App {
    let KeyRecord { client_id, app_created_at, sealed_secret, .. } = earlier;
    let opened = sealed_secret.and_then(|sealed| sealed.open(request.api_key, client_id.as_str()));
    let client_secret = opened.unwrap_or_else(|| preview(""));
    let created_at = app_created_at.unwrap_or(app.created_at);
    App::new(&Record { client_id, created_at, ..app }, client_secret, redirect_uris, created_at)
}
