//! Links that show one test to somebody who is not signed in (§14).

use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::api_key::SecretHash;
use domain::base62;
use http_support::error::ApiError;
use http_support::page::{Page, parts};
use http_support::request_layer::RequestIdentity;
use maud::html;
use store_workspace::{ConsoleTokenKind, CreateConsoleToken, RemoveConsoleToken, SharedTestLink};
use wire::production_test::ProductionTest;

use super::show::page;
use super::view::View;
use crate::form::Form;
use crate::origin::Origin;
use crate::session::{Session, see_other};
use crate::state::Console;

/// The length of a token in base62 digits: 256 random bits.
const LENGTH: usize = 43;

/// The longest time that a link can be valid, in days.
const MAX_DAYS: u32 = 30;

const NO_SUCH_LINK: &str =
    "This link does not exist, was revoked, or has expired. Ask for a new one.";

/// The links that show this test.
pub(super) async fn links(
    console: &Console,
    session: &Session,
    test: &ProductionTest,
) -> Result<Vec<SharedTestLink>, ApiError> {
    let Some(kind) = kind(test) else { return Ok(Vec::new()) };
    let ConsoleTokenKind::Share { client_id, request_id } = kind else { return Ok(Vec::new()) };
    let now = console.parts.clock_and_rng.now();
    let workspace_id = &session.key.workspace_id;
    let store = &console.parts.store;
    Ok(store.shared_test_links(workspace_id, &client_id, request_id, now).await?)
}

/// What a link to this test is for.
fn kind(test: &ProductionTest) -> Option<ConsoleTokenKind> {
    let (client_id, request_id) = (&test.request.client_id, &test.request.id);
    Some(ConsoleTokenKind::Share {
        client_id: client_id.parse().ok()?,
        request_id: request_id.parse().ok()?,
    })
}

pub(crate) async fn create(
    State(console): State<Console>,
    Path((client_id, id)): Path<(String, String)>,
    origin: Origin,
    form: Form,
) -> Result<Response, ApiError> {
    let session = &form.session;
    check_right(session)?;
    let path = format!("/apps/{client_id}/production-tests/{id}");
    let test: ProductionTest = console.api(session).get(&path).await?;
    let days = form.get("days").parse().unwrap_or(7).clamp(1, MAX_DAYS);
    let parts = &console.parts;
    let token = base62::random(parts.clock_and_rng.randomness(), LENGTH);
    let now = parts.clock_and_rng.now();
    let kind = kind(&test).ok_or_else(|| ApiError::internal("a test's ids are malformed"))?;
    let write = CreateConsoleToken {
        token_hash: SecretHash::of(&token),
        kind,
        workspace_id: session.key.workspace_id.clone(),
        key_id: session.key.id,
        now,
        expires_at: now.plus(Duration::from_hours(24) * days),
    };
    parts.store.create_console_token(write).await?;
    let link = format!("{}/console/shared/{token}", origin.0);
    let top = html! {
        (parts::notice("The link is made. Copy it now: it is not shown again."))
        (parts::copy_link(&link))
    };
    page(&console, &origin, session, (&client_id, &id), top, StatusCode::CREATED).await
}

pub(crate) async fn revoke(
    State(console): State<Console>,
    Path((client_id, id)): Path<(String, String)>,
    form: Form,
) -> Result<Response, ApiError> {
    check_right(&form.session)?;
    let hash: Option<[u8; 32]> =
        hex::decode(form.get("link")).ok().and_then(|bytes| bytes.try_into().ok());
    if let Some(hash) = hash {
        let write = RemoveConsoleToken {
            workspace_id: form.session.key.workspace_id.clone(),
            token_hash: SecretHash::from_bytes(hash),
        };
        console.parts.store.remove_console_token(write).await?;
    }
    Ok(see_other(&format!("/console/apps/{client_id}/production-tests/{id}")))
}

/// Links are not made by the API, so its rule is repeated here.
fn check_right(session: &Session) -> Result<(), ApiError> {
    let message = "This key may only read. Use a key with full access.";
    if session.can_write() { Ok(()) } else { Err(ApiError::forbidden(message)) }
}

/// `GET /console/shared/{token}`: the test, without navigation.
pub(crate) async fn show(
    State(console): State<Console>,
    Path(token): Path<String>,
    origin: Origin,
    request: Request,
) -> Result<Response, ApiError> {
    let now = console.parts.clock_and_rng.now();
    let found = console.parts.store.shared_test(SecretHash::of(&token), now).await?;
    let shared = found.and_then(|token| Some((token.secret_hash, token.test?)));
    let Some((secret_hash, (client_id, request_id))) = shared else {
        return Err(ApiError::not_found(NO_SUCH_LINK));
    };
    let identity = request.extensions().get::<RequestIdentity>().cloned().unwrap_or_default();
    let api = console.api_of(secret_hash, identity);
    let view = View::read(&api, client_id.as_str(), &request_id.to_string(), now).await?;
    let main = html! {
        h1 { (view.title()) }
        (view.live(&origin.0))
    };
    let bar = html! { span.who { "fieldtest: a production test, read-only" } };
    let shown = Page::new(view.title(), main).with_navigation(bar).with_refresh(30);
    Ok(shown.into_response())
}
