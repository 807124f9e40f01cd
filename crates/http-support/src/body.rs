//! Reading a JSON body (§1).

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};
#[cfg(feature = "openapi")]
use utoipa::IntoResponses;
use wire::error::FieldError;

#[cfg(feature = "openapi")]
use crate::documentation::{Responses, errors};
use crate::error::ApiError;

/// The largest body that is accepted, in bytes: 64 KiB.
pub const LIMIT: usize = 64 * 1024;

/// The largest body where no key is needed, in bytes: 8 KiB. Anybody can send it, so that thousands of
/// senders must find room for theirs at the same time.
pub const LIMIT_WITHOUT_KEY: usize = 8 * 1024;

/// The largest body of the operations that take an app's logo, in bytes: 128 KiB.
pub const LIMIT_WITH_LOGO: usize = 128 * 1024;

/// The extractor of a body that is a JSON object.
pub struct JsonObject(
    /// The members, as they were sent.
    pub Map<String, Value>,
);

impl<S: Send + Sync> FromRequest<S> for JsonObject {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        object_with_text(request, state).await.map(|(members, _text)| Self(members))
    }
}

/// Reads a body that is a JSON object. Also returns its text.
pub(crate) async fn object_with_text<S: Send + Sync>(
    request: Request,
    state: &S,
) -> Result<(Map<String, Value>, String), ApiError> {
    if !is_json_or_undeclared(request.headers()) {
        return Err(ApiError::unsupported_media_type());
    }
    let bytes = read(request, state).await?;
    let members = object(&bytes)?;
    let text = String::from_utf8(bytes.into())
        .map_err(|_| invalid_body("The body is not valid JSON: it is not UTF-8.".into()))?;
    Ok((members, text))
}

#[cfg(feature = "openapi")]
impl IntoResponses for JsonObject {
    fn responses() -> Responses {
        errors([
            (400, "The body is not valid: `details.errors` names each wrong member"),
            (413, "The body is too large: 64 KiB, with an app's logo 128 KiB, without a key 8 KiB"),
            (415, "The body is not declared as JSON"),
        ])
    }
}

/// Reads the body, but no more than [`LIMIT`] of it, or the limit that its
/// route has.
///
/// # Errors
/// 413 if the body is larger, 415 if it is compressed, 400 if it cannot be read to its end.
pub async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    let is_identity = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !request.headers().get_all(header::CONTENT_ENCODING).iter().all(is_identity) {
        return Err(ApiError::unsupported_encoding());
    }
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::payload_too_large(),
        _ => invalid_body("The body could not be read to its end.".into()),
    })
}

/// Parses a JSON object.
///
/// # Errors
/// 400 if the bytes are not JSON, or not an object.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    // Some editors and libraries put a byte order mark in front of UTF-8.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(invalid_body("The body must be a JSON object.".into())),
        Err(error) => Err(invalid_body(format!("The body is not valid JSON: {error}."))),
    }
}

/// Whether `Content-Type` is that of an HTML form.
pub fn is_form(headers: &HeaderMap) -> bool {
    let declared =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = declared.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Parses an HTML form. A field that is sent several times is kept several times.
///
/// # Errors
/// 400 if it cannot be decoded.
pub fn form(bytes: &[u8]) -> Result<Vec<(String, String)>, ApiError> {
    serde_urlencoded::from_bytes(bytes)
        .map_err(|_| invalid_body("The form cannot be decoded.".into()))
}

fn invalid_body(message: String) -> ApiError {
    ApiError::validation(vec![FieldError::invalid("body", message, &Value::Null)])
}

/// Whether `Content-Type` is `application/json` or `application/<anything>+json`, or is missing.
pub fn is_json_or_undeclared(headers: &HeaderMap) -> bool {
    let Some(declared) = headers.get(header::CONTENT_TYPE) else { return true };
    let Ok(declared) = declared.to_str() else { return false };
    let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.strip_prefix("application/") {
        Some(subtype) => {
            subtype == "json" || (subtype.ends_with("+json") && subtype.len() > "+json".len())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(declared: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, declared.parse().unwrap());
        is_json_or_undeclared(&headers)
    }

    #[test]
    fn a_json_type_or_no_type_is_accepted() {
        assert!(is_json_or_undeclared(&HeaderMap::new()));
        for json in
            ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"]
        {
            assert!(accepts(json), "{json}");
        }
        for other in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonp",
            "application/+json",
            "json",
        ] {
            assert!(!accepts(other), "{other}");
        }
    }
}
