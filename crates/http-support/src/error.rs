//! The error that every handler and extractor returns (§3).
//!
//! It has two sides that never mix: what the caller may read, and a cause for the operator's log.
//! As a response it is an empty body with the error in its extensions. [`crate::request_layer`]
//! writes the envelope, because it knows the request's id and also sees the errors that the
//! framework makes.

use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use db::StoreError;
use serde_json::{Map, Value};
use wire::error::{ErrorBody, ErrorCode, ErrorEnvelope, FieldError};

use crate::body::{LIMIT, LIMIT_WITH_LOGO, LIMIT_WITHOUT_KEY};

/// An error with a code of §3, a message for the caller, and a cause for the log.
#[derive(Clone, Debug)]
pub struct ApiError {
    code: ErrorCode,
    message: String,
    details: Option<Map<String, Value>>,
    retry_after_seconds: Option<u64>,
    cause: Option<String>,
    is_outage: bool,
}

/// `details.reason` of a 404 for a path that does not exist. A challenge that does not exist has none.
const UNKNOWN_PATH: &str = "unknown_path";

/// `Retry-After` where something is unavailable.
const UNAVAILABLE_SECONDS: u64 = 1;

/// `Retry-After` where this deployment does not offer something: an hour.
const NOT_OFFERED_SECONDS: u64 = 3600;

impl ApiError {
    fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: None,
            retry_after_seconds: None,
            cause: None,
            is_outage: false,
        }
    }

    /// 401: the credentials are missing or wrong. Every way in which they can be wrong has the same
    /// answer, so that it does not reveal which part of them was right (§2).
    pub fn invalid_credentials() -> Self {
        Self::new(
            ErrorCode::AuthInvalidCredentials,
            "The credentials are missing or not valid here. Send the header \
             Authorization: Bearer <key> with a valid key of this deployment.",
        )
    }

    /// 403: the credentials are valid, but do not allow this.
    pub fn forbidden(message: &str) -> Self {
        Self::new(ErrorCode::AuthForbidden, message)
    }

    /// 404: there is no such resource.
    pub fn not_found(message: &str) -> Self {
        Self::new(ErrorCode::ResourceNotFound, message)
    }

    /// 409: the resource is in a state that does not allow this.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceConflict, message)
    }

    /// 409: the idempotency key was used for another request (§4).
    pub fn key_conflict() -> Self {
        Self::new(
            ErrorCode::IdempotencyKeyConflict,
            "This Idempotency-Key was used for another request. Send the same body to repeat that \
             one, or a new key for a new one.",
        )
    }

    /// 409: the first request with this idempotency key has not finished (§4).
    pub fn request_in_progress() -> Self {
        let error = Self::new(
            ErrorCode::IdempotencyRequestInProgress,
            "The first request with this Idempotency-Key is still being worked on. Repeat it in a \
             moment, with the same key.",
        );
        Self { retry_after_seconds: Some(UNAVAILABLE_SECONDS), ..error }
    }

    /// 429: the key made too many requests (§13).
    pub fn rate_limited(retry_after_seconds: u64) -> Self {
        let message = format!(
            "Too many requests with this key. Wait {retry_after_seconds} s, then go on more slowly."
        );
        let error = Self::new(ErrorCode::RateLimitExceeded, message);
        Self { retry_after_seconds: Some(retry_after_seconds), ..error }
    }

    /// 429: too many testers join at this moment (§10).
    pub fn too_many_joins(retry_after_seconds: u64) -> Self {
        let message = format!(
            "Many people are joining at this moment. Wait {retry_after_seconds} s, then try again."
        );
        let error = Self::new(ErrorCode::RateLimitExceeded, message);
        Self { retry_after_seconds: Some(retry_after_seconds), ..error }
    }

    /// 429: the key has this many event streams open (§7).
    pub fn too_many_streams(limit: usize) -> Self {
        let message = format!(
            "This key has {limit} streams open here. Close one that you do not need, then open \
             another."
        );
        let error = Self::new(ErrorCode::RateLimitExceeded, message);
        Self { retry_after_seconds: Some(UNAVAILABLE_SECONDS), ..error }
    }

    /// 429: this was done too often.
    pub fn busy(message: &str, retry_after_seconds: u64) -> Self {
        let error = Self::new(ErrorCode::RateLimitExceeded, message);
        Self { retry_after_seconds: Some(retry_after_seconds), ..error }
    }

    /// 413: the body is larger than the limit.
    pub fn payload_too_large() -> Self {
        let [limit, with_logo, without_key] =
            [LIMIT, LIMIT_WITH_LOGO, LIMIT_WITHOUT_KEY].map(|limit| limit / 1024);
        Self::new(
            ErrorCode::PayloadTooLarge,
            format!(
                "The body is too large: at most {limit} KiB are accepted, {with_logo} KiB where an \
                 app can have a logo, {without_key} KiB where no key is needed."
            ),
        )
    }

    /// 415: the body is not declared as JSON.
    pub fn unsupported_media_type() -> Self {
        Self::new(
            ErrorCode::UnsupportedMediaType,
            "The body must be JSON. Send the header Content-Type: application/json.",
        )
    }

    /// 415: the body is compressed.
    pub fn unsupported_encoding() -> Self {
        Self::new(
            ErrorCode::UnsupportedMediaType,
            "The body must not be compressed. Send it as it is, without Content-Encoding.",
        )
    }

    /// 405: the path does not support the method.
    pub fn method_not_allowed() -> Self {
        Self::new(
            ErrorCode::MethodNotAllowed,
            "This path does not know this method. The header Allow names those it knows.",
        )
    }

    /// 500: a bug. The caller reads a fixed message, and the cause is logged.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let message = "Something went wrong on our side. Try again; if it happens again, tell the \
                       operator this request's id.";
        Self::new(ErrorCode::SystemInternalError, message).with_cause(cause)
    }

    /// 503: the same request may succeed in a moment.
    pub fn unavailable(message: &str, cause: impl fmt::Display) -> Self {
        let error = Self::new(ErrorCode::SystemUnavailable, message).with_cause(cause);
        Self { retry_after_seconds: Some(UNAVAILABLE_SECONDS), ..error }
    }

    /// 503: this deployment does not offer this. There is no cause to log, because the operator
    /// configured it so.
    pub fn not_offered(message: &str) -> Self {
        let error = Self::new(ErrorCode::SystemUnavailable, message);
        Self { retry_after_seconds: Some(NOT_OFFERED_SECONDS), ..error }
    }

    /// 400: fields are wrong. `details.errors` names each of them; `details.parameter` and
    /// `details.value` are those of the first one (§3).
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let Some(first) = errors.first() else {
            return Self::internal("a validation error without an offending field");
        };
        let mut details = Map::new();
        details.insert("parameter".into(), first.parameter.into());
        if let Some(value) = &first.value {
            details.insert("value".into(), value.clone());
        }
        details.insert("errors".into(), errors.iter().map(FieldError::to_json).collect());
        Self { details: Some(details), ..Self::new(first.code, first.message.clone()) }
    }

    /// The error for a status that the framework answered without an `ApiError`.
    pub fn of_framework(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => {
                Self::not_found("There is nothing at this path. See /docs for those that exist.")
                    .with_detail("reason", UNKNOWN_PATH)
            }
            StatusCode::METHOD_NOT_ALLOWED => Self::method_not_allowed(),
            StatusCode::PAYLOAD_TOO_LARGE => Self::payload_too_large(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::unsupported_media_type(),
            status if status.is_client_error() => Self::validation(vec![FieldError::invalid(
                "request",
                "The request cannot be read.",
                &Value::Null,
            )]),
            status => Self::internal(format!("the framework answered {status}")),
        }
    }

    /// Adds a member to `details`.
    pub fn with_detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.get_or_insert_default().insert(name.into(), value.into());
        self
    }

    fn with_cause(self, cause: impl fmt::Display) -> Self {
        Self { cause: Some(cause.to_string()), ..self }
    }

    /// The code of §3.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What is wrong and what to do, for the caller.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The cause, for the operator's log only.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Whether the database is unavailable, which is logged once and not for each request.
    pub(crate) fn is_outage(&self) -> bool {
        self.is_outage
    }

    /// The HTTP status of the code.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The `Retry-After` header, in seconds.
    pub fn retry_after(&self) -> Option<HeaderValue> {
        self.retry_after_seconds.map(HeaderValue::from)
    }

    /// The part that the caller may read.
    pub fn into_envelope(self, request_id: String) -> ErrorEnvelope {
        let Self { code, message, details, .. } = self;
        ErrorEnvelope { error: ErrorBody { code, message, details }, request_id }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } | StoreError::Closed => Self {
                is_outage: true,
                ..Self::unavailable(
                    "The database cannot be reached at the moment. Try again in a moment.",
                    error,
                )
            },
            StoreError::Overloaded => Self::unavailable(
                "There is more to do than can be done at the moment. Try again in a moment.",
                error,
            ),
            StoreError::Internal(_) => Self::internal(error),
        }
    }
}
