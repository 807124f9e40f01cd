//! Path parameters.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use crate::error::ApiError;

/// The extractor of path parameters, which the handler parses one by one.
pub struct PathParameters(Option<RawPathParams>);

impl<S: Send + Sync> FromRequestParts<S> for PathParameters {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        // A path that cannot be decoded names no resource.
        Ok(Self(RawPathParams::from_request_parts(parts, state).await.ok()))
    }
}

impl PathParameters {
    /// Parses the parameter with this name.
    ///
    /// # Errors
    /// 404 with this message if the parameter is malformed: no resource has such an id.
    pub fn parse<T: FromStr>(&self, name: &str, not_found: &str) -> Result<T, ApiError> {
        let value = self.0.as_ref().and_then(|parameters| {
            parameters.iter().find_map(|(candidate, value)| (candidate == name).then_some(value))
        });
        value.and_then(|value| value.parse().ok()).ok_or_else(|| ApiError::not_found(not_found))
    }
}
