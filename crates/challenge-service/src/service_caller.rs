//! Who may use the service surface: the bearer of its token (§10).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::api_key::SecretHash;
use http_support::bearer;
use http_support::error::ApiError;

use super::ChallengeService;

/// The bearer of the service surface's token.
pub(super) struct ServiceCaller;

impl FromRequestParts<ChallengeService> for ServiceCaller {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &ChallengeService,
    ) -> Result<Self, ApiError> {
        let expected = service.parts.service_token.as_deref();
        let matches = match (bearer::token(&parts.headers), expected) {
            (Some(given), Some(expected)) => SecretHash::of(expected).matches(given),
            _ => false,
        };
        if matches { Ok(Self) } else { Err(ApiError::invalid_credentials()) }
    }
}
