//! `POST /connect/v1/apps/batch` (§11)
//!
//! Each app is made, or not, by itself: what was made before one that cannot be made stays.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, Method, StatusCode};
use domain::idempotency::{Fingerprint, IdempotencyKey};
use serde_json::{Map, Value};
use wire::app::{App, CreateApps, CreatedApp, CreatedApps, read_apps};
use wire::error::{ErrorEnvelope, FieldError};

use super::create::{Request, register, token};
use crate::web::body::JsonObject;
use crate::web::error::ApiError;
use crate::workspace_api::WorkspaceApi;
use crate::workspace_api::caller::{Caller, Write};

const KEY: &str = "idempotencyKey";

/// Make many apps
///
/// At most 100. Each has a result of its own, in the same order, which also says what is wrong with it; after one that cannot be
/// made the rest is tried only with `continueOnError`. An item's `idempotencyKey` does for it what the header does for a single
/// app.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/batch",
    operation_id = "createApps",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    request_body(content = CreateApps, content_type = "application/json"),
    responses(
        (status = 201, description = "What became of each", body = CreatedApps, headers(
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 400, description = "The body is no list of 1 to 100 apps", body = ErrorEnvelope),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 403, description = "The key may only read", body = ErrorEnvelope),
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
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    JsonObject(body): JsonObject,
) -> Result<(StatusCode, Json<CreatedApps>), ApiError> {
    let CreateApps { items, continue_on_error } = read_apps(&body).map_err(ApiError::validation)?;
    let mut made = CreatedApps { results: Vec::with_capacity(items.len()), success_count: 0, error_count: 0 };
    for item in items {
        let given_key = item.get(KEY).and_then(Value::as_str).map(str::to_owned);
        let result = async {
            let key = idempotency_key(&item)?;
            let fingerprint = Fingerprint::of(method.as_str(), uri.path(), &item);
            let request = Request { workspace_id: &caller.workspace_id, api_key: token(&headers)?, key, fingerprint };
            register(&api, request, &item).await
        };
        match result.await {
            Ok((app, _)) => {
                made.success_count += 1;
                made.results.push(CreatedApp { app: Some(app), error: None, idempotency_key: given_key });
            }
            Err(error) => {
                made.error_count += 1;
                made.results.push(not_made(error, given_key));
                if !continue_on_error.unwrap_or(false) {
                    break;
                }
            }
        }
    }
    Ok((StatusCode::CREATED, Json(made)))
}

fn not_made(error: ApiError, idempotency_key: Option<String>) -> CreatedApp {
    if let Some(cause) = error.cause() {
        tracing::warn!(cause, "an app of many could not be made");
    }
    CreatedApp { app: None::<App>, error: Some(error.into_envelope(String::new()).error), idempotency_key }
}

fn idempotency_key(item: &Map<String, Value>) -> Result<Option<IdempotencyKey>, ApiError> {
    let Some(value) = item.get(KEY).filter(|value| !value.is_null()) else { return Ok(None) };
    let refused = |what: &str| ApiError::validation(vec![FieldError::invalid(KEY, format!("{KEY} {what}."), value)]);
    let text = value.as_str().ok_or_else(|| refused("must be text"))?;
    IdempotencyKey::new(text).map(Some).map_err(|error| refused(&error.to_string()))
}
