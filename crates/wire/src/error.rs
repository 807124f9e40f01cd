//! The error envelope and the catalogue of error codes (§3).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::production_test::RefusedProvider;

/// What went wrong, for programs: stable, one per kind of error (§3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(example = "VALIDATION_INVALID_PARAMETER")]
pub enum ErrorCode {
    /// 401: the credentials are missing or not valid here.
    AuthInvalidCredentials,
    /// 403: the credentials are valid, but not for this.
    AuthForbidden,
    /// 400: a required field is absent, null, empty or blank.
    ValidationMissingParameter,
    /// 400: a value has the wrong type or lies outside its bounds.
    ValidationInvalidParameter,
    /// 404: there is no such thing in this workspace.
    ResourceNotFound,
    /// 409: the state of the thing forbids it.
    ResourceConflict,
    /// 409: the idempotency key was used for another request.
    IdempotencyKeyConflict,
    /// 409: the request with this idempotency key is still being worked on.
    IdempotencyRequestInProgress,
    /// 405: the path exists, the method does not.
    MethodNotAllowed,
    /// 413: the body is too large.
    PayloadTooLarge,
    /// 415: the body is not declared as JSON.
    UnsupportedMediaType,
    /// 429: too many requests.
    RateLimitExceeded,
    /// 500: a bug in fieldtest.
    SystemInternalError,
    /// 503: something that is needed cannot be reached at the moment.
    SystemUnavailable,
}

impl ErrorCode {
    /// All codes, for documents and tests.
    pub const ALL: [Self; 14] = [
        Self::AuthInvalidCredentials,
        Self::AuthForbidden,
        Self::ValidationMissingParameter,
        Self::ValidationInvalidParameter,
        Self::ResourceNotFound,
        Self::ResourceConflict,
        Self::IdempotencyKeyConflict,
        Self::IdempotencyRequestInProgress,
        Self::MethodNotAllowed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::RateLimitExceeded,
        Self::SystemInternalError,
        Self::SystemUnavailable,
    ];

    /// The HTTP status that goes with it.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::AuthInvalidCredentials => 401,
            Self::AuthForbidden => 403,
            Self::ValidationMissingParameter | Self::ValidationInvalidParameter => 400,
            Self::ResourceNotFound => 404,
            Self::ResourceConflict
            | Self::IdempotencyKeyConflict
            | Self::IdempotencyRequestInProgress => 409,
            Self::MethodNotAllowed => 405,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::RateLimitExceeded => 429,
            Self::SystemInternalError => 500,
            Self::SystemUnavailable => 503,
        }
    }

    /// The code as it stands in the envelope.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthInvalidCredentials => "AUTH_INVALID_CREDENTIALS",
            Self::AuthForbidden => "AUTH_FORBIDDEN",
            Self::ValidationMissingParameter => "VALIDATION_MISSING_PARAMETER",
            Self::ValidationInvalidParameter => "VALIDATION_INVALID_PARAMETER",
            Self::ResourceNotFound => "RESOURCE_NOT_FOUND",
            Self::ResourceConflict => "RESOURCE_CONFLICT",
            Self::IdempotencyKeyConflict => "IDEMPOTENCY_KEY_CONFLICT",
            Self::IdempotencyRequestInProgress => "IDEMPOTENCY_REQUEST_IN_PROGRESS",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::RateLimitExceeded => "RATE_LIMIT_EXCEEDED",
            Self::SystemInternalError => "SYSTEM_INTERNAL_ERROR",
            Self::SystemUnavailable => "SYSTEM_UNAVAILABLE",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The body of every error answer (§3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ErrorEnvelope {
    /// What went wrong.
    pub error: ErrorBody,
    /// The request's id; the same as the `X-Request-Id` header. Name it when you ask for help.
    #[schema(format = "uuid", example = "228aaefb-3ce2-4dd0-a73b-b96f71c5779f")]
    pub request_id: String,
}

/// What went wrong (§3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// For programs.
    pub code: ErrorCode,
    /// For people: what is wrong and what to do about it.
    #[schema(example = "maxStamps must be an integer from 1 to 2147483647.")]
    pub message: String,
    /// More for programs, depending on the code; a validation error names each offending field in
    /// `errors`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ErrorDetails>, nullable = false)]
    pub details: Option<Map<String, Value>>,
}

/// More about an error, for programs (§3). Which members there are depends on the error; others may
/// be added.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "a schema only: what is in an error is put together where it happens")]
pub struct ErrorDetails {
    /// A validation error's first offending field, query member or header, or `body`.
    #[schema(nullable = false, example = "maxStamps")]
    parameter: Option<String>,
    /// What was given there, if anything; shortened if long.
    #[schema(required = false)]
    value: Value,
    /// Every offending field of a validation error.
    #[schema(nullable = false)]
    errors: Option<Vec<FieldError>>,
    /// Each provider of an order that cannot be tested, and why.
    #[schema(nullable = false)]
    providers: Option<Vec<RefusedProvider>>,
    /// Where the production test stands: its request's status, or `completed` or `expired`.
    #[schema(nullable = false, example = "completed")]
    status: Option<String>,
    /// The challenge request whose id was given where a challenge's is needed.
    #[schema(nullable = false, example = "req_7f3a9c1e-4b2d-4f88-9e1a-0c3d5b6e7f8a")]
    request_id: Option<String>,
    /// The challenge of that request; null if there is none.
    #[schema(example = "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a")]
    challenge_id: Option<String>,
}

/// One offending field of a request (§3).
#[derive(Clone, Debug, PartialEq, ToSchema)]
pub struct FieldError {
    /// The field, query member or header, or `body`.
    #[schema(example = "maxStamps")]
    pub parameter: &'static str,
    /// Missing or invalid.
    pub code: ErrorCode,
    /// What is wrong and what would be right.
    #[schema(example = "maxStamps must be an integer from 1 to 2147483647.")]
    pub message: String,
    /// What was given, if anything; shortened if long.
    #[schema(required = false, value_type = Value)]
    pub value: Option<Value>,
}

impl FieldError {
    /// A required field that says nothing.
    #[must_use]
    pub fn missing(parameter: &'static str, message: impl Into<String>) -> Self {
        Self {
            parameter,
            code: ErrorCode::ValidationMissingParameter,
            message: message.into(),
            value: None,
        }
    }

    /// A field with a value that will not do; null counts as no value.
    #[must_use]
    pub fn invalid(parameter: &'static str, message: impl Into<String>, value: &Value) -> Self {
        Self {
            parameter,
            code: ErrorCode::ValidationInvalidParameter,
            message: message.into(),
            value: (!value.is_null()).then(|| shortened(value)),
        }
    }

    /// This error as one of `details.errors`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let Self { parameter, code, message, value } = self;
        let mut json = Map::new();
        json.insert("parameter".into(), (*parameter).into());
        json.insert("code".into(), code.as_str().into());
        json.insert("message".into(), message.as_str().into());
        if let Some(value) = value {
            json.insert("value".into(), value.clone());
        }
        Value::Object(json)
    }
}

/// The longest value that an error repeats, in characters.
const LONGEST_VALUE: usize = 100;

/// `value`, or its beginning and `…` if it is long: an error should not be larger than what caused
/// it.
#[must_use]
pub fn shortened(value: &Value) -> Value {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => value.to_string(),
        Value::Null | Value::Bool(_) | Value::Number(_) => return value.clone(),
    };
    let short = shortened_text(&text);
    if short == text { value.clone() } else { Value::String(short) }
}

/// `text`, or its beginning and `…` if it is long.
#[must_use]
pub fn shortened_text(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_code_is_written_as_it_is_called() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), json!(code.as_str()));
        }
    }

    #[test]
    fn a_long_value_is_shortened_and_a_short_one_kept() {
        assert_eq!(shortened(&json!("ü".repeat(100))), json!("ü".repeat(100)));
        assert_eq!(shortened(&json!("ü".repeat(101))), json!(format!("{}…", "ü".repeat(100))));
        assert_eq!(shortened(&json!([1, 2])), json!([1, 2]));
        assert!(shortened(&json!(vec![1; 100])).as_str().unwrap().ends_with('…'));
        assert_eq!(shortened(&json!(0)), json!(0));
    }
}
