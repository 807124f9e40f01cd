//! `POST /connect/v1/apps` (§11)
//!
//! Errors, in this order: the credentials (401), the right to write (403), the idempotency key's
//! form (400), the body (415, 413, 400), the key's earlier use (409), the fields (400), the
//! database (503).

use axum::extract::State;
use axum::http::HeaderMap;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::idempotency::{IdempotencyKeyHeader, IdempotentRequest};
use http_support::response::Created;
use wire::app::{App, CreateApp};

use super::registration::{Registration, api_key};
use crate::caller::{Caller, Write};
use crate::state::WorkspaceApi;

/// Create an app
///
/// The answer contains the client secret, which is shown only here, and in the answer to a
/// repetition with the same API key and idempotency key. The provider `passport` is enabled; enable
/// others to order tests.
#[utoipa::path(
    post,
    path = "/connect/v1/apps",
    operation_id = "createApp",
    tag = "Apps",
    security(("workspace_api_key" = [])),
    params(IdempotencyKeyHeader),
    request_body(content = CreateApp, content_type = "application/json"),
    responses(
        (status = 201, description = "The app, with its whole secret", body = App, headers(
            ("Location" = String, description = "Where the app can be read"))),
        Caller<Write>, IdempotentRequest, ServerErrors,
    ),
)]
pub(crate) async fn create(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    headers: HeaderMap,
    IdempotentRequest { keyed, body, .. }: IdempotentRequest,
) -> Result<Created<App>, ApiError> {
    let registration = Registration {
        api: &api,
        workspace_id: &caller.workspace_id,
        api_key: api_key(&headers),
        batch: None,
    };
    let (body, is_replay) = registration.register(keyed, &body).await?;
    let location = format!("/connect/v1/apps/{}", body.client_id);
    Ok(Created { body, location, is_replay })
}
