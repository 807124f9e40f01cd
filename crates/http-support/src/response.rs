//! Responses that several surfaces share.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::ApiError;

/// The header that marks the response to an earlier request (§4).
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// 201: this request created the resource, or the first one with its idempotency key did (§4).
pub struct Created<T> {
    /// The body.
    pub body: T,
    /// The path of the resource.
    pub location: String,
    /// Whether this is the answer to an earlier request.
    pub is_replay: bool,
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let Ok(location) = HeaderValue::from_str(&self.location) else {
            return ApiError::internal("a location that is not a header value").into_response();
        };
        let mut response =
            CreatedWithoutLocation { body: self.body, is_replay: self.is_replay }.into_response();
        response.headers_mut().insert(header::LOCATION, location);
        response
    }
}

/// [`Created`] for something that has no path (§4).
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
