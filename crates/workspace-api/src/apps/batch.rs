//! `POST /connect/v1/apps/batch` (§11)
//!
//! Each app is created in its own transaction, so the apps before one that fails stay. The
//! transaction of the first app claims the idempotency key of the request. Each app also has an
//! idempotency key: the key of its item, or one derived from the request's. A repetition replays
//! the apps that exist and creates the rest.
//!
//! Errors of the whole request, in this order: the credentials (401), the right to write (403), the
//! idempotency key's form (400), the body (415, 413, 400), the key's earlier use (409), the fields
//! (400).

use std::collections::BTreeMap;

use std::num::NonZeroU32;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use db::Lookup;
use domain::idempotency::IdempotencyKey;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::idempotency::{IdempotencyKeyHeader, IdempotentRequest, KeyedRequest};
use http_support::request_id::RequestId;
use http_support::response::CreatedWithoutLocation;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use wire::app::{App, CreateApps, CreatedApp, CreatedApps, read_apps};
use wire::error::{ErrorCode, FieldError};

use super::registration::{Registration, api_key};
use crate::caller::{Caller, Write};
use crate::state::WorkspaceApi;

const KEY: &str = "idempotencyKey";

const PATH: &str = "/connect/v1/apps/batch";

/// Create several apps
///
/// At most 100. Each item has its own result, in the same order, with the app or its error. After
/// an item that fails the rest is tried only with `continueOnError`, and not at all after an item
/// that fails with 503. `Idempotency-Key` makes the whole request safe to repeat: a repetition is
/// answered with the apps that the first request created, and creates only the missing ones. An
/// item's `idempotencyKey` does for the item what the header does for a single app.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/batch",
    operation_id = "createApps",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(IdempotencyKeyHeader),
    request_body(content = CreateApps, content_type = "application/json"),
    responses(
        (status = 201, description = "A result for each item", body = CreatedApps, headers(
            ("Idempotency-Replayed" = String,
                description = "`true` when an earlier request created all of the apps"))),
        Caller<Write>, IdempotentRequest, ServerErrors,
    ),
)]
pub(crate) async fn batch(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    Extension(request_id): Extension<RequestId>,
    headers: HeaderMap,
    IdempotentRequest { keyed, body, text }: IdempotentRequest,
) -> Result<CreatedWithoutLocation<CreatedApps>, ApiError> {
    let (api, workspace_id) = (&api, &caller.workspace_id);
    let api_key = api_key(&headers);
    let whole = keyed.as_ref();
    let registration = Registration { api, workspace_id, api_key, batch: whole };
    let batch = Batch { registration, whole, text: &text };
    let _guard = match whole {
        Some(keyed) => Some(api.in_flight.lock((workspace_id.clone(), keyed.key.clone())).await?),
        None => None,
    };
    batch.check_key().await?;
    let CreateApps { items, continue_on_error } = read_apps(&body).map_err(ApiError::validation)?;
    // Each item counts as a request. The first one was counted with the key.
    let further = u32::try_from(items.len()).unwrap_or(u32::MAX).saturating_sub(1);
    if let Some(further) = NonZeroU32::new(further) {
        api.rate_limits.count_many(caller.key_id, further)?;
    }
    let mut created =
        CreatedApps { results: Vec::with_capacity(items.len()), success_count: 0, error_count: 0 };
    let mut is_replay = whole.is_some();
    for (index, item) in items.iter().enumerate() {
        let idempotency_key = item.get(KEY).and_then(Value::as_str).map(str::to_owned);
        match batch.create(index, item).await {
            Ok((app, is_item_replay)) => {
                is_replay &= is_item_replay;
                created.success_count += 1;
                created.results.push(CreatedApp { app: Some(app), error: None, idempotency_key });
            }
            Err(error) => {
                // If another request has claimed the request's key meanwhile, the whole request
                // conflicts, not only this item.
                if error.code() == ErrorCode::IdempotencyKeyConflict {
                    batch.check_key().await?;
                }
                let may_continue = continue_on_error.unwrap_or(false)
                    && error.code() != ErrorCode::SystemUnavailable;
                created.error_count += 1;
                created.results.push(failed_item(error, idempotency_key, &request_id));
                if !may_continue {
                    break;
                }
            }
        }
    }
    is_replay &= created.success_count > 0;
    Ok(CreatedWithoutLocation { body: created, is_replay })
}

/// What all items of a request share.
struct Batch<'a> {
    registration: Registration<'a>,
    /// The key of the whole request.
    whole: Option<&'a KeyedRequest>,
    /// The body of the whole request.
    text: &'a str,
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

    /// The request of an item with a key of its own. Its fingerprint is that of the item's text.
    fn keyed_item(&self, index: usize, key: IdempotencyKey) -> Result<KeyedRequest, ApiError> {
        let members: BTreeMap<String, &RawValue> =
            serde_json::from_str(self.text).map_err(ApiError::internal)?;
        let items = members.get("items").map_or("[]", |items| items.get());
        let items: Vec<&RawValue> = serde_json::from_str(items).map_err(ApiError::internal)?;
        let text = items.get(index).map(|item| item.get());
        let text = text.ok_or_else(|| ApiError::internal("an item without its text"))?;
        KeyedRequest::new(key, "POST", PATH, text)
    }

    /// Creates one app. Also returns whether it is a replay.
    async fn create(
        &self,
        index: usize,
        item: &Map<String, Value>,
    ) -> Result<(App, bool), ApiError> {
        let own = idempotency_key(item)?;
        if self.whole.is_some_and(|whole| Some(&whole.key) == own.as_ref()) {
            return Err(ApiError::key_conflict());
        }
        let keyed = match (own, self.whole) {
            (Some(key), _) => Some(self.keyed_item(index, key)?),
            // The fingerprint is the request's, so the same item of another request conflicts.
            (None, Some(whole)) => {
                Some(KeyedRequest { key: whole.key.of_item(index), fingerprint: whole.fingerprint })
            }
            (None, None) => None,
        };
        self.registration.register(keyed, item).await
    }
}

/// The result of an item that failed. The access log has only the request's status, 201, so an item
/// that failed for a reason in the server is logged here.
fn failed_item(
    error: ApiError,
    idempotency_key: Option<String>,
    RequestId(request_id): &RequestId,
) -> CreatedApp {
    let error_code = error.code().as_str();
    if let Some(cause) = error.cause() {
        if error.code() == ErrorCode::SystemInternalError {
            tracing::error!(
                request_id,
                error_code,
                cause,
                "an app of a batch could not be created"
            );
        } else {
            tracing::warn!(request_id, error_code, cause, "an app of a batch could not be created");
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
