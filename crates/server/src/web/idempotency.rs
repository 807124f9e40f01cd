//! The `Idempotency-Key` header (§4).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::idempotency::IdempotencyKey;
use serde_json::Value;
use wire::error::FieldError;

use super::error::ApiError;

const HEADER: &str = "Idempotency-Key";

/// The key that the client chose, if it chose one.
pub(crate) struct IdempotencyKeyHeader(pub(crate) Option<IdempotencyKey>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKeyHeader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let mut given = parts.headers.get_all(HEADER).iter();
        let Some(value) = given.next() else { return Ok(Self(None)) };
        if given.next().is_some() {
            return Err(invalid("must be sent once, not twice", None));
        }
        let text = std::str::from_utf8(value.as_bytes()).map_err(|_| invalid("must be UTF-8 text", None))?;
        IdempotencyKey::new(text).map(|key| Self(Some(key))).map_err(|error| invalid(&error.to_string(), Some(text)))
    }
}

fn invalid(what: &str, value: Option<&str>) -> ApiError {
    let message = format!("{HEADER} {what}.");
    let error = FieldError::invalid(HEADER, message, &value.map_or(Value::Null, Value::from));
    ApiError::validation(vec![error])
}
