//! `POST /connect/v1/console-links` (§14)

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use domain::api_key::SecretHash;
use domain::base62;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use store_workspace::{CONSOLE_LINK_VALIDITY, ConsoleTokenKind, CreateConsoleToken};
use wire::api_key::ConsoleLink;

use crate::caller::{Caller, Read};
use crate::state::WorkspaceApi;

/// The length of a token in base62 digits: 256 random bits.
const LENGTH: usize = 43;

/// Make a link to the console
///
/// Whoever opens it first, within 60 seconds, is signed in to the console with this API key.
#[utoipa::path(
    post,
    path = "/connect/v1/console-links",
    operation_id = "createConsoleLink",
    tag = "Console",
    security(("workspace_api_key" = [])),
    responses(
        (status = 201, description = "The link", body = ConsoleLink),
        Caller<Read>, ServerErrors,
    ),
)]
pub(crate) async fn create(
    State(api): State<WorkspaceApi>,
    caller: Caller<Read>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<ConsoleLink>), ApiError> {
    let now = api.clock_and_rng.now();
    let token = base62::random(api.clock_and_rng.randomness(), LENGTH);
    let expires_at = now.plus(CONSOLE_LINK_VALIDITY);
    let write = CreateConsoleToken {
        token_hash: SecretHash::of(&token),
        kind: ConsoleTokenKind::Link,
        workspace_id: caller.workspace_id,
        key_id: caller.key_id,
        now,
        expires_at,
    };
    api.store.create_console_token(write).await?;
    let origin = api.public_url.for_request(&headers);
    let url = format!("{origin}/console/sign-in?link={token}");
    Ok((StatusCode::CREATED, Json(ConsoleLink { url, expires_at: expires_at.into() })))
}
