//! Answers that several surfaces give.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::ApiError;

/// Says that this is the answer to an earlier request (§4).
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Something was created, now or when the same request came first (§4).
pub struct Created<T> {
    /// The body.
    pub body: T,
    /// Where it can be read.
    pub location: String,
    /// Whether this is the answer to an earlier request.
    pub is_replay: bool,
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let Ok(location) = HeaderValue::from_str(&self.location) else {
            return ApiError::internal("a location that is no header").into_response();
        };
        let mut response =
            CreatedWithoutLocation { body: self.body, is_replay: self.is_replay }.into_response();
        response.headers_mut().insert(header::LOCATION, location);
        response
    }
}

/// Something was created that has no place of its own, now or when the same request came first
/// (§4).
pub struct CreatedWithoutLocation<T> {
    /// The body.
    pub body: T,
    /// Whether this is the answer to an earlier request.
    pub is_replay: bool,
}

impl<T: Serialize> IntoResponse for CreatedWithoutLocation<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, Json(self.body)).into_response();
        if self.is_replay {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}
