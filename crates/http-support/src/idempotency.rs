//! Idempotent requests (§4): the `Idempotency-Key` header, and [`once`], which every POST that
//! creates something goes through.

use std::hash::Hash;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use db::{Idempotency, IdempotencyRecord, KeyClaim, Lookup, StoreError};
use domain::Timestamp;
use domain::idempotency::{Fingerprint, IdempotencyKey, VALIDITY};
use serde_json::{Map, Value};
use utoipa::IntoParams;
#[cfg(feature = "openapi")]
use utoipa::IntoResponses;
use wire::error::FieldError;

use crate::body;
#[cfg(feature = "openapi")]
use crate::body::JsonObject;
#[cfg(feature = "openapi")]
use crate::documentation::{Responses, errors};
use crate::error::ApiError;
use crate::in_flight::InFlight;

const HEADER: &str = "Idempotency-Key";

/// The header in the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyKeyHeader {
    /// A value of your choice, at most 255 characters, such as a UUID: a repetition with the same
    /// key and body within 24 hours is answered as the first request was, and makes nothing new
    #[param(
        rename = "Idempotency-Key",
        nullable = false,
        min_length = 1,
        max_length = 255,
        example = "0b8e2f6c-9a64-4a53-8e0e-3d2a3c9d6f10"
    )]
    pub key: Option<String>,
}

/// An idempotency key, and the fingerprint of its request.
#[derive(Clone, Debug)]
pub struct KeyedRequest {
    /// The key that the client chose.
    pub key: IdempotencyKey,
    /// A hash of method, path and body.
    pub fingerprint: Fingerprint,
}

impl KeyedRequest {
    /// A request with this key, method, path and JSON body, which has been parsed before.
    ///
    /// # Errors
    /// 500 if the body is not JSON after all.
    pub fn new(
        key: IdempotencyKey,
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<Self, ApiError> {
        let fingerprint = Fingerprint::of(method, path, body).map_err(ApiError::internal)?;
        Ok(Self { key, fingerprint })
    }

    /// The record that is stored in the transaction that carries out the request.
    #[must_use]
    pub fn idempotency(&self, now: Timestamp) -> Idempotency {
        let Self { key, fingerprint } = self;
        Idempotency { key: key.clone(), fingerprint: *fingerprint, expires_at: now.plus(VALIDITY) }
    }

    fn state<T>(&self, earlier: Option<IdempotencyRecord<T>>) -> KeyClaim<T> {
        KeyClaim::of(earlier, self.fingerprint)
    }
}

/// The extractor of an idempotent request with a JSON object as its body.
pub struct IdempotentRequest {
    /// The key, if the client sent one.
    pub keyed: Option<KeyedRequest>,
    /// The body.
    pub body: Map<String, Value>,
    /// The body as it was sent, for the fingerprints of its parts.
    pub text: String,
}

impl<S: Send + Sync> FromRequest<S> for IdempotentRequest {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let key = read_header(&parts)?;
        let (method, path) = (parts.method.clone(), original_path(&mut parts, state).await);
        let request = Request::from_parts(parts, body);
        let (body, text) = body::object_with_text(request, state).await?;
        let keyed = match key {
            Some(key) => Some(KeyedRequest::new(key, method.as_str(), &path, &text)?),
            None => None,
        };
        Ok(Self { keyed, body, text })
    }
}

#[cfg(feature = "openapi")]
impl IntoResponses for IdempotentRequest {
    fn responses() -> Responses {
        let mut responses = JsonObject::responses();
        responses.extend(conflict());
        responses
    }
}

/// The extractor of an idempotent request without a body.
pub struct IdempotentAction(
    /// The key, if the client sent one.
    pub Option<KeyedRequest>,
);

impl<S: Send + Sync> FromRequestParts<S> for IdempotentAction {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Some(key) = read_header(parts)? else { return Ok(Self(None)) };
        let path = original_path(parts, state).await;
        KeyedRequest::new(key, parts.method.as_str(), &path, "{}").map(Some).map(Self)
    }
}

#[cfg(feature = "openapi")]
impl IntoResponses for IdempotentAction {
    fn responses() -> Responses {
        let mut responses = errors([(400, "The idempotency key is not valid")]);
        responses.extend(conflict());
        responses
    }
}

#[cfg(feature = "openapi")]
fn conflict() -> Responses {
    errors([(
        409,
        "The idempotency key was used for another request, or its first request is still being \
         worked on",
    )])
}

/// The path as the client sent it: the router removes the prefix of a nested router.
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

/// The outcome of carrying out a request.
pub enum Outcome<R, T> {
    /// The request created something.
    Created(R),
    /// The same request was carried out before, possibly by another server. This is its record.
    Replay(T),
    /// The key was used for another request.
    KeyConflict,
}

/// Carries out a request once for each key. Returns the response, and whether it is a replay.
///
/// `find` looks up the key's earlier request. `create` carries out the request and claims the key
/// in the same transaction. `replay` rebuilds the response from the record of the earlier request.
/// A repeated request gets its first response even if `create` would refuse it now.
///
/// # Errors
/// When `create` refuses, when the key was used for another request (409), or when its first
/// request is still in flight (409).
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
            // A server error is not a refusal: the client repeats the request.
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
