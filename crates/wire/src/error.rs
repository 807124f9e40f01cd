//! The error envelope and the error codes (§3).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::production_test::RefusedProvider;

/// The kind of an error, for programs. Codes never change their meaning (§3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(example = "VALIDATION_INVALID_PARAMETER")]
pub enum ErrorCode {
    /// 401: the credentials are missing or not valid.
    AuthInvalidCredentials,
    /// 403: the credentials do not permit this operation.
    AuthForbidden,
    /// 400: a required field is absent, null, empty or blank.
    ValidationMissingParameter,
    /// 400: a value has the wrong type or is out of bounds.
    ValidationInvalidParameter,
    /// 404: the resource does not exist in this workspace.
    ResourceNotFound,
    /// 409: the state of the resource does not permit the operation.
    ResourceConflict,
    /// 409: the idempotency key was used for another request.
    IdempotencyKeyConflict,
    /// 409: the first request with this idempotency key is still in progress.
    IdempotencyRequestInProgress,
    /// 405: the path does not support this method.
    MethodNotAllowed,
    /// 413: the request body is too large.
    PayloadTooLarge,
    /// 415: the content type is not JSON.
    UnsupportedMediaType,
    /// 429: too many requests.
    RateLimitExceeded,
    /// 500: a bug in fieldtest.
    SystemInternalError,
    /// 503: a component that the operation needs is temporarily unavailable.
    SystemUnavailable,
}

impl ErrorCode {
    /// All codes.
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

    /// The HTTP status of responses with this code.
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

    /// The code in the envelope.
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

/// The body of every error response (§3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ErrorEnvelope {
    /// The error.
    pub error: ErrorBody,
    /// The id of the request, as in the `X-Request-Id` header. Include it in support requests.
    #[schema(format = "uuid", example = "228aaefb-3ce2-4dd0-a73b-b96f71c5779f")]
    pub request_id: String,
}

/// An error (§3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// The kind of the error, for programs.
    pub code: ErrorCode,
    /// What is wrong and how to correct it, for people.
    #[schema(example = "maxStamps must be an integer from 1 to 2147483647.")]
    pub message: String,
    /// More about the error, for programs. The members depend on the code; a validation error lists
    /// every invalid field in `errors`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ErrorDetails>, nullable = false)]
    pub details: Option<Map<String, Value>>,
}

/// More about an error, for programs (§3). Which members are present depends on the error. New
/// members can be added.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the details in the OpenAPI document; handlers build them")]
pub struct ErrorDetails {
    /// The first invalid field, query parameter or header of a validation error, or `body`.
    #[schema(nullable = false, example = "maxStamps")]
    parameter: Option<String>,
    /// The value of that parameter, if there was one; shortened if long.
    #[schema(required = false)]
    value: Value,
    /// Every invalid field of a validation error.
    #[schema(nullable = false)]
    errors: Option<Vec<FieldError>>,
    /// The providers of an order that cannot be tested, with the reasons.
    #[schema(nullable = false)]
    providers: Option<Vec<RefusedProvider>>,
    /// The status of the production test: that of its request, `completed` or `expired`.
    #[schema(nullable = false, example = "completed")]
    status: Option<String>,
    /// The challenge request whose id was given instead of a challenge id.
    #[schema(nullable = false, example = "req_7f3a9c1e-4b2d-4f88-9e1a-0c3d5b6e7f8a")]
    request_id: Option<String>,
    /// The id of that request's challenge; null if there is none.
    #[schema(example = "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a")]
    challenge_id: Option<String>,
}

/// An invalid field of a request (§3).
#[derive(Clone, Debug, PartialEq, ToSchema)]
pub struct FieldError {
    /// The field, query parameter or header, or `body`.
    #[schema(example = "maxStamps")]
    pub parameter: &'static str,
    /// Whether the field is missing or invalid.
    pub code: ErrorCode,
    /// What is wrong and what is expected.
    #[schema(example = "maxStamps must be an integer from 1 to 2147483647.")]
    pub message: String,
    /// The value, if there was one; shortened if long.
    #[schema(required = false, value_type = Value)]
    pub value: Option<Value>,
}

impl FieldError {
    /// An error for a required field that is absent, null or blank.
    #[must_use]
    pub fn missing(parameter: &'static str, message: impl Into<String>) -> Self {
        Self {
            parameter,
            code: ErrorCode::ValidationMissingParameter,
            message: message.into(),
            value: None,
        }
    }

    /// An error for a field with an invalid value. A null value is not repeated.
    #[must_use]
    pub fn invalid(parameter: &'static str, message: impl Into<String>, value: &Value) -> Self {
        Self {
            parameter,
            code: ErrorCode::ValidationInvalidParameter,
            message: message.into(),
            value: (!value.is_null()).then(|| shortened(value)),
        }
    }

    /// This error as an element of `details.errors`.
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

/// The maximum length of a value that an error repeats, in characters.
const MAX_VALUE_LENGTH: usize = 100;

/// `value`, or its first 100 characters and `…`, so that an error is not larger than the request
/// that caused it.
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

/// `text`, or its first 100 characters and `…`.
#[must_use]
pub fn shortened_text(text: &str) -> String {
    match text.char_indices().nth(MAX_VALUE_LENGTH) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_code_is_serialised_as_its_name() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), json!(code.as_str()));
        }
    }

    #[test]
    fn only_a_long_value_is_shortened() {
        assert_eq!(shortened(&json!("ü".repeat(100))), json!("ü".repeat(100)));
        assert_eq!(shortened(&json!("ü".repeat(101))), json!(format!("{}…", "ü".repeat(100))));
        assert_eq!(shortened(&json!([1, 2])), json!([1, 2]));
        assert!(shortened(&json!(vec![1; 100])).as_str().unwrap().ends_with('…'));
        assert_eq!(shortened(&json!(0)), json!(0));
    }
}
