//! `POST /connect/v1/apps` (§11)
//!
//! What can go wrong, in this order: the credentials (401), the right to change things (403), the
//! idempotency key's form (400), the body (415, 413, 400), the key's earlier use (409), the fields
//! (400), the database (503).

use axum::extract::State;
use axum::http::HeaderMap;
use http_support::error::ApiError;
use http_support::idempotency::IdempotentRequest;
use http_support::response::Created;
use wire::app::{App, CreateApp};
use wire::error::ErrorEnvelope;

use super::registration::{Registration, api_key};
use crate::WorkspaceApi;
use crate::caller::{Caller, Write};

/// Make an app
///
/// Its secret is shown this once, and again to whoever repeats the request with the same API key
/// and idempotency key. The provider `passport` is enabled; enable others to order tests.
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
    request_body(content = CreateApp, content_type = "application/json"),
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
    headers: HeaderMap,
    IdempotentRequest { keyed, body }: IdempotentRequest,
) -> Result<Created<App>, ApiError> {
    let registration = Registration {
        api: &api,
        workspace_id: &caller.workspace_id,
        api_key: api_key(&headers)?,
        batch: None,
    };
    let (body, is_replay) = registration.register(keyed, &body).await?;
    let location = format!("/connect/v1/apps/{}", body.client_id);
    Ok(Created { body, location, is_replay })
}
