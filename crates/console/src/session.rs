//! Who is signed in (§14): a cookie whose hash the store knows. A session belongs to an API key, and
//! ends with it.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::api_key::{Access, ApiKey, SecretHash};
use domain::{ApiKeyId, WorkspaceId, base62};
use http_support::error::ApiError;
use http_support::request_layer::RequestIdentity;
use store_workspace::{ConsoleTokenKind, CreateConsoleToken, RemoveConsoleToken};

use crate::origin::Origin;
use crate::state::Console;

const COOKIE: &str = "fieldtest_session";

/// The length of a token in base62 digits: 256 random bits.
const LENGTH: usize = 43;

/// How long a session lasts: 12 hours (§14).
const VALIDITY: Duration = Duration::from_hours(12);

/// The extractor of the session of a person who is signed in. Anybody else is led to the page for
/// signing in.
pub(crate) struct Session {
    /// The key that the person has signed in with.
    pub(crate) key: ApiKey,
    /// The hash of the key's secret.
    pub(crate) secret_hash: SecretHash,
    /// What every form of this session carries.
    pub(crate) csrf: String,
    /// The identity for the access log.
    pub(crate) identity: RequestIdentity,
}

impl FromRequestParts<Console> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        let found = find(&parts.headers, console).await.map_err(IntoResponse::into_response)?;
        let Some((key, secret_hash, csrf)) = found else { return Err(sign_in_first(parts)) };
        let identity = parts.extensions.get::<RequestIdentity>().cloned().unwrap_or_default();
        identity.set(&key.workspace_id, key.id);
        Ok(Self { key, secret_hash, csrf, identity })
    }
}

impl Session {
    /// Whether the person may change something.
    pub(crate) fn can_write(&self) -> bool {
        self.key.access == Access::Full
    }
}

async fn find(
    headers: &HeaderMap,
    console: &Console,
) -> Result<Option<(ApiKey, SecretHash, String)>, ApiError> {
    let Some(token) = cookie(headers) else { return Ok(None) };
    let now = console.parts.clock_and_rng.now();
    let session = console.parts.store.console_session(SecretHash::of(token), now).await?;
    Ok(session.map(|session| (session.key, session.secret_hash, csrf_of(token))))
}

/// The text that shows that a form is of this session: it cannot be made without the cookie.
fn csrf_of(token: &str) -> String {
    hex::encode(SecretHash::of(&format!("csrf {token}")).as_bytes())
}

/// Leads to the page for signing in, and from there back to a page that was asked for.
fn sign_in_first(parts: &Parts) -> Response {
    let is_page = parts.method == Method::GET;
    let path = parts.extensions.get::<axum::extract::OriginalUri>().map(|uri| uri.0.path());
    let path = path.unwrap_or(parts.uri.path());
    let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_".contains(&byte));
    let next = if is_page && is_plain { format!("?next={path}") } else { String::new() };
    see_other(&format!("/console/sign-in{next}"))
}

/// Signs a person in with a key: makes a session, and sets its cookie.
pub(crate) async fn start(
    console: &Console,
    origin: &Origin,
    (workspace_id, key_id): (WorkspaceId, ApiKeyId),
) -> Result<HeaderValue, ApiError> {
    let parts = &console.parts;
    let token = base62::random(parts.clock_and_rng.randomness(), LENGTH);
    let now = parts.clock_and_rng.now();
    let write = CreateConsoleToken {
        token_hash: SecretHash::of(&token),
        kind: ConsoleTokenKind::Session,
        workspace_id,
        key_id,
        now,
        expires_at: now.plus(VALIDITY),
    };
    parts.store.create_console_token(write).await?;
    set_cookie(&token, VALIDITY.as_secs(), origin)
}

/// Ends the session of a request, if it has one, and takes its cookie away.
pub(crate) async fn end(
    console: &Console,
    origin: &Origin,
    headers: &HeaderMap,
    session: &Session,
) -> Result<HeaderValue, ApiError> {
    if let Some(token) = cookie(headers) {
        let workspace_id = session.key.workspace_id.clone();
        let write = RemoveConsoleToken { workspace_id, token_hash: SecretHash::of(token) };
        console.parts.store.remove_console_token(write).await?;
    }
    set_cookie("", 0, origin)
}

fn set_cookie(token: &str, max_age: u64, origin: &Origin) -> Result<HeaderValue, ApiError> {
    let secure = if origin.is_encrypted() { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={token}; Path=/console; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}"
    );
    HeaderValue::from_str(&cookie).map_err(ApiError::internal)
}

/// The value of our cookie, among others that can contain anything.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| pair.trim_ascii().strip_prefix(COOKIE.as_bytes())?.strip_prefix(b"="))
        .filter(|value| value.len() == LENGTH && value.iter().all(u8::is_ascii_alphanumeric))
        .find_map(|value| str::from_utf8(value).ok())
}

/// Leads the browser to another page of the console.
pub(crate) fn see_other(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path.to_owned())]).into_response()
}
