//! Signing in and out (§14): with a workspace key, or with a link that is good once.

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::api_key;
use domain::api_key::SecretHash;
use http_support::client_address::ClientAddress;
use http_support::error::ApiError;
use http_support::page::{Page, parts};
use maud::html;
use store_workspace::UseConsoleLink;

use crate::form::{self, Form};
use crate::origin::Origin;
use crate::session::{self, see_other};
use crate::state::Console;

/// The parameters of the page.
#[derive(Default, serde::Deserialize)]
pub(super) struct Parameters {
    /// A token that signs in once.
    link: Option<String>,
    /// The page to go on to.
    next: Option<String>,
}

const WRONG_KEY: &str = "This key is not valid here. Check it for typos; it may have been revoked, \
                         have expired, or be for another environment.";

const USED_LINK: &str = "This link was used before, or is older than 60 seconds. Make another one \
                         with `fieldtest console`, or sign in with a key.";

pub(super) async fn show(
    State(console): State<Console>,
    origin: Origin,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Result<Response, ApiError> {
    let Some(link) = &parameters.link else {
        return Ok(page(parameters.next.as_deref(), None, StatusCode::OK));
    };
    count_attempt(&console, &request)?;
    let now = console.parts.clock_and_rng.now();
    let write = UseConsoleLink { token_hash: SecretHash::of(link), now };
    let Some(key) = console.parts.store.use_console_link(write).await? else {
        return Ok(page(None, Some(USED_LINK), StatusCode::BAD_REQUEST));
    };
    let cookie = session::start(&console, &origin, key).await?;
    Ok(([(header::SET_COOKIE, cookie)], see_other("/console")).into_response())
}

pub(super) async fn sign_in(
    State(console): State<Console>,
    origin: Origin,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    if !origin.sent(&headers) {
        let message = "This form was sent by another site. Open the console, and sign in there.";
        return Err(ApiError::forbidden(message));
    }
    count_attempt(&console, &request)?;
    let fields = form::read(request).await?;
    let field = |name: &str| {
        fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.trim())
    };
    let next = Some(field("next")).filter(|next| !next.is_empty());
    let parts = &console.parts;
    let key = match api_key::recognise(field("key"), parts.environment) {
        Some(hash) => parts.store.api_key(hash).await?,
        None => None,
    };
    let Some(key) = key.filter(|key| key.is_valid_at(parts.clock_and_rng.now())) else {
        return Ok(page(next, Some(WRONG_KEY), StatusCode::UNAUTHORIZED));
    };
    let cookie = session::start(&console, &origin, (key.workspace_id, key.id)).await?;
    let next = next.filter(|next| is_console_path(next)).unwrap_or("/console");
    Ok(([(header::SET_COOKIE, cookie)], see_other(next)).into_response())
}

pub(super) async fn sign_out(
    State(console): State<Console>,
    origin: Origin,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, ApiError> {
    let cookie = session::end(&console, &origin, &headers, &form.session).await?;
    Ok(([(header::SET_COOKIE, cookie)], see_other("/console/sign-in")).into_response())
}

/// Counts an attempt to sign in from the address of a request.
fn count_attempt(console: &Console, request: &Request) -> Result<(), ApiError> {
    let Some(address) = request.extensions().get::<ClientAddress>() else { return Ok(()) };
    console.sign_ins.count(&address.for_limits()).map_err(|seconds| {
        let message = "There were too many attempts to sign in from your address. Wait a moment.";
        ApiError::busy(message, seconds)
    })
}

/// Whether this is the path of a page of the console, and nothing that leads elsewhere.
fn is_console_path(path: &str) -> bool {
    let rest = path.strip_prefix("/console");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_".contains(&byte))
}

fn page(next: Option<&str>, problem: Option<&str>, status: StatusCode) -> Response {
    let main = html! {
        h1 { "Sign in" }
        @if let Some(problem) = problem { (parts::problem(problem)) }
        p { "Sign in to the console with an API key of your workspace." }
        form method="post" action="/console/sign-in" {
            @if let Some(next) = next { input type="hidden" name="next" value=(next); }
            label for="key" { "API key" }
            input #key type="password" name="key" autocomplete="current-password" required
                spellcheck="false";
            p.hint {
                "A key begins with " code { "sk_workspace_" } ". That of the demo workspace is in the \
                 file " code { "demo-api-key" } " of the server's data directory."
            }
            button.primary { "Sign in" }
        }
        p.hint { "In a terminal, " code { "fieldtest console" } " opens the console signed in." }
    };
    Page::new("Sign in", main).with_status(status).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_no_other_site() {
        for path in ["/console", "/console/apps/FK5b0KSM", "/console/keys"] {
            assert!(is_console_path(path), "{path}");
        }
        for path in ["//evil.example", "/consoles", "https://evil.example", "/console/../x", "/t"] {
            assert!(!is_console_path(path), "{path}");
        }
    }
}
