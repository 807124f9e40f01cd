//! Authentication of the service surface: the bearer of its token (§10).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::api_key::SecretHash;
use http_support::bearer;
#[cfg(feature = "openapi")]
use http_support::documentation::{Responses, errors};
use http_support::error::ApiError;
#[cfg(feature = "openapi")]
use utoipa::IntoResponses;

use crate::service::ChallengeService;

/// The extractor of the bearer of the service surface's token.
pub(super) struct ServiceCaller;

impl FromRequestParts<ChallengeService> for ServiceCaller {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &ChallengeService,
    ) -> Result<Self, ApiError> {
        let expected = service.parts.service_token.as_deref();
        // Comparing hashes leaks nothing about the token through the time that it takes.
        let matches = match (bearer::token(&parts.headers), expected) {
            (Some(given), Some(expected)) => SecretHash::of(expected).matches(given),
            _ => false,
        };
        if matches { Ok(Self) } else { Err(ApiError::invalid_credentials()) }
    }
}

#[cfg(feature = "openapi")]
impl IntoResponses for ServiceCaller {
    fn responses() -> Responses {
        errors([(401, "The token is missing or wrong")])
    }
}
