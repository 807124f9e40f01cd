//! The origin of links to the challenge service's own pages.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::service::ChallengeService;

/// The public URL without a trailing slash: the operator's, or the one that this request was sent
/// to.
pub(crate) struct Origin(pub(crate) String);

impl FromRequestParts<ChallengeService> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &ChallengeService,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self(service.parts.public_url.for_request(&parts.headers)))
    }
}

impl Origin {
    /// Whether cookies can be limited to encrypted connections.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.0.starts_with("https://")
    }
}
