//! The span of the caller, from the header `traceparent` (§13).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use traces::Caller;

/// The caller's span. `None` without a valid header: a wrong one is no reason to refuse a request.
pub(crate) struct Parent(pub(crate) Option<Caller>);

impl<S: Sync> FromRequestParts<S> for Parent {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get("traceparent").and_then(|value| value.to_str().ok());
        Ok(Self(header.and_then(Caller::parse)))
    }
}
