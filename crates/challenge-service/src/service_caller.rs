//! Authentication of the service surface: the bearer of one of its tokens (§10).

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
        let given = bearer::token(&parts.headers);
        // Comparing hashes leaks nothing about the token through the time that it takes.
        let is_given = |token: &String| given.is_some_and(|it| SecretHash::of(token).matches(it));
        let matches = service.parts.service_tokens.iter().any(is_given);
        if matches { Ok(Self) } else { Err(ApiError::invalid_credentials()) }
    }
}

#[cfg(feature = "openapi")]
impl IntoResponses for ServiceCaller {
    fn responses() -> Responses {
        errors([(401, "The token is missing or wrong")])
    }
}
