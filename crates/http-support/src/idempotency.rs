//! Idempotent requests (§4): the `Idempotency-Key` header, and [`once`], through which every POST
//! goes that creates something.

use std::hash::Hash;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use db::{Idempotency, IdempotencyRecord, KeyClaim, Lookup, StoreError};
use domain::Timestamp;
use domain::idempotency::{Fingerprint, IdempotencyKey, VALIDITY};
use serde_json::{Map, Value};
use wire::error::FieldError;

use crate::body::JsonObject;
use crate::error::ApiError;
use crate::in_flight::InFlight;

const HEADER: &str = "Idempotency-Key";

/// A key, and what its request asks for.
#[derive(Clone, Debug)]
pub struct KeyedRequest {
    /// The key that the client chose.
    pub key: IdempotencyKey,
    /// Equal for equal requests.
    pub fingerprint: Fingerprint,
}

impl KeyedRequest {
    /// The record that is stored with what the request makes.
    #[must_use]
    pub fn idempotency(&self, now: Timestamp) -> Idempotency {
        let Self { key, fingerprint } = self;
        Idempotency { key: key.clone(), fingerprint: *fingerprint, expires_at: now.plus(VALIDITY) }
    }

    fn state<T>(&self, earlier: Option<IdempotencyRecord<T>>) -> KeyClaim<T> {
        KeyClaim::of(earlier, self.fingerprint)
    }
}

/// A request with a JSON object for a body.
pub struct IdempotentRequest {
    /// The key, if the client chose one.
    pub keyed: Option<KeyedRequest>,
    /// The body.
    pub body: Map<String, Value>,
}

impl<S: Send + Sync> FromRequest<S> for IdempotentRequest {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let key = read_header(&parts)?;
        let (method, path) = (parts.method.clone(), original_path(&mut parts, state).await);
        let request = Request::from_parts(parts, body);
        let JsonObject(body) = JsonObject::from_request(request, state).await?;
        let fingerprint = || Fingerprint::of(method.as_str(), &path, &body);
        let keyed = key.map(|key| KeyedRequest { key, fingerprint: fingerprint() });
        Ok(Self { keyed, body })
    }
}

/// A request without a body.
pub struct IdempotentAction(
    /// The key, if the client chose one.
    pub Option<KeyedRequest>,
);

impl<S: Send + Sync> FromRequestParts<S> for IdempotentAction {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Some(key) = read_header(parts)? else { return Ok(Self(None)) };
        let path = original_path(parts, state).await;
        let fingerprint = Fingerprint::of(parts.method.as_str(), &path, &Map::new());
        Ok(Self(Some(KeyedRequest { key, fingerprint })))
    }
}

async fn original_path<S: Send + Sync>(parts: &mut Parts, state: &S) -> String {
    let Ok(axum::extract::OriginalUri(uri)) =
        axum::extract::OriginalUri::from_request_parts(parts, state).await;
    uri.path().to_owned()
}

fn read_header(parts: &Parts) -> Result<Option<IdempotencyKey>, ApiError> {
    let mut given = parts.headers.get_all(HEADER).iter();
    let Some(value) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(invalid("must be sent once, not twice", None));
    }
    let text =
        std::str::from_utf8(value.as_bytes()).map_err(|_| invalid("must be UTF-8 text", None))?;
    IdempotencyKey::new(text).map(Some).map_err(|error| invalid(&error.to_string(), Some(text)))
}

fn invalid(what: &str, value: Option<&str>) -> ApiError {
    let message = format!("{HEADER} {what}.");
    let error = FieldError::invalid(HEADER, message, &value.map_or(Value::Null, Value::from));
    ApiError::validation(vec![error])
}

/// What carrying a request out led to.
pub enum Outcome<R, T> {
    /// It has created something.
    Created(R),
    /// The same request was carried out before, perhaps by another server; this is what it made.
    Replay(T),
    /// The key was used for another request.
    KeyConflict,
}

/// Carries a request out once for each key; and whether this is the answer to an earlier request.
///
/// `find` looks for what the key was used for, `create` carries the request out and claims the key
/// in the same transaction, `replay` answers from what the earlier request made. What was answered
/// before is answered again, even if it would be refused today.
///
/// # Errors
/// When `create` refuses, when the key was used for another request, or when its first request is
/// still being handled.
pub async fn once<S, T, R, Find, Create>(
    in_flight: &InFlight<(S, IdempotencyKey)>,
    scope: S,
    request: Option<KeyedRequest>,
    find: impl Fn(IdempotencyKey, Lookup) -> Find,
    create: impl FnOnce(Option<KeyedRequest>) -> Create,
    replay: impl FnOnce(T) -> Result<R, ApiError>,
) -> Result<(R, bool), ApiError>
where
    S: Clone + Eq + Hash,
    Find: Future<Output = Result<Option<IdempotencyRecord<T>>, StoreError>>,
    Create: Future<Output = Result<Outcome<R, T>, ApiError>>,
{
    let Some(request) = request else {
        return match create(None).await? {
            Outcome::Created(created) => Ok((created, false)),
            Outcome::Replay(_) | Outcome::KeyConflict => {
                Err(ApiError::internal("a request without a key was taken for a repetition"))
            }
        };
    };
    let _guard = in_flight.lock((scope, request.key.clone())).await?;
    let outcome = match request.state(find(request.key.clone(), Lookup::IfCheap).await?) {
        KeyClaim::Replay(made) => Outcome::Replay(made),
        KeyClaim::Conflict => Outcome::KeyConflict,
        KeyClaim::Fresh => match create(Some(request.clone())).await {
            Ok(outcome) => outcome,
            // What cannot be carried out at the moment was not refused: the client repeats it.
            Err(error) if !error.status().is_client_error() => return Err(error),
            Err(refusal) => match request.state(find(request.key.clone(), Lookup::Always).await?) {
                KeyClaim::Replay(made) => Outcome::Replay(made),
                KeyClaim::Conflict => Outcome::KeyConflict,
                KeyClaim::Fresh => return Err(refusal),
            },
        },
    };
    match outcome {
        Outcome::Created(created) => Ok((created, false)),
        Outcome::Replay(made) => Ok((replay(made)?, true)),
        Outcome::KeyConflict => Err(ApiError::key_conflict()),
    }
}
