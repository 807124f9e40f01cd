//! `POST /connect/v1/apps/batch` (§11)
//!
//! Each app is made, or not, by itself: what was made before one that cannot be made stays. So the
//! request's idempotency key is taken with the first app that is made, and each app has a key of
//! its own besides: the item's, or one that follows from the request's. A repetition finds what
//! there is and makes the rest.
//!
//! What can go wrong with the whole, in this order: the credentials (401), the right to change
//! things (403), the idempotency key's form (400), the body (415, 413, 400), the key's earlier use
//! (409), the fields (400).

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use db::Lookup;
use domain::idempotency::{Fingerprint, IdempotencyKey};
use http_support::error::ApiError;
use http_support::idempotency::{IdempotentRequest, KeyedRequest};
use http_support::request_id::RequestId;
use http_support::response::CreatedWithoutLocation;
use serde_json::{Map, Value};
use wire::app::{App, CreateApps, CreatedApp, CreatedApps, read_apps};
use wire::error::{ErrorCode, ErrorEnvelope, FieldError};

use super::registration::{Registration, api_key};
use crate::WorkspaceApi;
use crate::caller::{Caller, Write};

const KEY: &str = "idempotencyKey";

const PATH: &str = "/connect/v1/apps/batch";

/// Make many apps
///
/// At most 100. Each has a result of its own, in the same order, which also says what is wrong with
/// it; after one that cannot be made the rest is tried only with `continueOnError`, and not at all
/// after one that cannot be made at the moment. `Idempotency-Key` makes the whole safe to repeat;
/// an item's `idempotencyKey` does for it what the header does for a single app.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/batch",
    operation_id = "createApps",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "A value of your choice, at most 255 characters, such as a \
            UUID: a repetition with the same key and body within 24 hours is answered with the apps that the first request has \
            made, and makes only what that could not", min_length = 1, max_length = 255,
            example = "6f0d7d1e-3c55-4b0e-9a53-0a1f7a0f8c11"),
    ),
    request_body(content = CreateApps, content_type = "application/json"),
    responses(
        (status = 201, description = "What became of each", body = CreatedApps, headers(
            ("Idempotency-Replayed" = String, description = "`true` when all that was made was made by an earlier request"),
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 400, description = "The body is no list of 1 to 100 apps", body = ErrorEnvelope),
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
pub(crate) async fn batch(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    Extension(request_id): Extension<RequestId>,
    headers: HeaderMap,
    IdempotentRequest { keyed, body }: IdempotentRequest,
) -> Result<CreatedWithoutLocation<CreatedApps>, ApiError> {
    let (api, workspace_id) = (&api, &caller.workspace_id);
    let api_key = api_key(&headers)?;
    let whole = keyed.as_ref();
    let registration = Registration { api, workspace_id, api_key, batch: whole };
    let batch = Batch { registration, whole };
    let _guard = match whole {
        Some(keyed) => Some(api.in_flight.lock((workspace_id.clone(), keyed.key.clone())).await?),
        None => None,
    };
    batch.check_key().await?;
    let CreateApps { items, continue_on_error } = read_apps(&body).map_err(ApiError::validation)?;
    let mut made =
        CreatedApps { results: Vec::with_capacity(items.len()), success_count: 0, error_count: 0 };
    let mut is_replay = whole.is_some();
    for (index, item) in items.iter().enumerate() {
        let idempotency_key = item.get(KEY).and_then(Value::as_str).map(str::to_owned);
        match batch.make(index, item).await {
            Ok((app, is_repeated)) => {
                is_replay &= is_repeated;
                made.success_count += 1;
                made.results.push(CreatedApp { app: Some(app), error: None, idempotency_key });
            }
            Err(error) => {
                // An item's conflict is the whole request's where another request has claimed the
                // whole one's key meanwhile.
                if error.code() == ErrorCode::IdempotencyKeyConflict {
                    batch.check_key().await?;
                }
                let goes_on = continue_on_error.unwrap_or(false)
                    && error.code() != ErrorCode::SystemUnavailable;
                made.error_count += 1;
                made.results.push(not_made(error, idempotency_key, &request_id));
                if !goes_on {
                    break;
                }
            }
        }
    }
    is_replay &= made.success_count > 0;
    Ok(CreatedWithoutLocation { body: made, is_replay })
}

/// What all items of a request have in common.
struct Batch<'a> {
    registration: Registration<'a>,
    /// The key of the whole request.
    whole: Option<&'a KeyedRequest>,
}

impl Batch<'_> {
    /// Refuses the request if its key was used for another one.
    async fn check_key(&self) -> Result<(), ApiError> {
        let Some(KeyedRequest { key, fingerprint }) = self.whole else { return Ok(()) };
        let Registration { api, workspace_id, .. } = self.registration;
        let now = api.clock_and_rng.now();
        match api.store.idempotency_record(workspace_id, key, now, Lookup::Always).await? {
            Some(earlier) if earlier.fingerprint != *fingerprint => Err(ApiError::key_conflict()),
            _ => Ok(()),
        }
    }

    /// Makes one app; and whether it was made before.
    async fn make(&self, index: usize, item: &Map<String, Value>) -> Result<(App, bool), ApiError> {
        let own = idempotency_key(item)?;
        if self.whole.is_some_and(|whole| Some(&whole.key) == own.as_ref()) {
            return Err(ApiError::key_conflict());
        }
        let keyed = match (own, self.whole) {
            (Some(key), _) => {
                Some(KeyedRequest { key, fingerprint: Fingerprint::of("POST", PATH, item) })
            }
            // The same item of another request is another one.
            (None, Some(whole)) => {
                Some(KeyedRequest { key: whole.key.of_item(index), fingerprint: whole.fingerprint })
            }
            (None, None) => None,
        };
        self.registration.register(keyed, item).await
    }
}

/// The request's own line says 201: what is ours to see to, or to mend, has a line here.
fn not_made(
    error: ApiError,
    idempotency_key: Option<String>,
    RequestId(request_id): &RequestId,
) -> CreatedApp {
    let error_code = error.code().as_str();
    if let Some(cause) = error.cause() {
        if error.code() == ErrorCode::SystemInternalError {
            tracing::error!(request_id, error_code, cause, "an app of many could not be made");
        } else {
            tracing::warn!(request_id, error_code, cause, "an app of many could not be made");
        }
    }
    CreatedApp {
        app: None::<App>,
        error: Some(error.into_envelope(String::new()).error),
        idempotency_key,
    }
}

fn idempotency_key(item: &Map<String, Value>) -> Result<Option<IdempotencyKey>, ApiError> {
    let Some(value) = item.get(KEY).filter(|value| !value.is_null()) else { return Ok(None) };
    let refused = |what: &str| {
        ApiError::validation(vec![FieldError::invalid(KEY, format!("{KEY} {what}."), value)])
    };
    let text = value.as_str().ok_or_else(|| refused("must be text"))?;
    IdempotencyKey::new(text).map(Some).map_err(|error| refused(&error.to_string()))
}
