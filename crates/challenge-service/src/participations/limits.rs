//! How often testers may join, so that a flood does not fill a test (§10).

use std::convert::Infallible;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::{ChallengeId, Clock};
use http_support::client_address::ClientAddress;
use http_support::error::ApiError;
use http_support::rate_limit::StrangerLimit;

use crate::service::ChallengeService;

/// From one address: so many at once, as a team in one office needs, and one a second after that.
const ADDRESS_BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
const ADDRESS_INTERVAL: Duration = Duration::from_secs(1);

/// In one challenge: so many at once, as after a call to thousands, and ten a second after that.
const CHALLENGE_BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(299);
const CHALLENGE_INTERVAL: Duration = Duration::from_millis(100);

/// Counts who joins in this process. Clones share the counts.
#[derive(Clone)]
pub struct JoinLimits {
    addresses: StrangerLimit<IpAddr>,
    challenges: StrangerLimit<ChallengeId>,
}

impl JoinLimits {
    /// No one has joined yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            addresses: StrangerLimit::new(ADDRESS_INTERVAL, ADDRESS_BURST, Arc::clone(&clock)),
            challenges: StrangerLimit::new(CHALLENGE_INTERVAL, CHALLENGE_BURST, clock),
        }
    }
}

/// The extractor of the address that somebody joins from.
pub(crate) struct JoiningAddress(Option<ClientAddress>);

impl FromRequestParts<ChallengeService> for JoiningAddress {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _service: &ChallengeService,
    ) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().copied()))
    }
}

impl JoiningAddress {
    /// Counts an attempt to join a challenge.
    ///
    /// # Errors
    /// 429 when there were too many from this address, or for this challenge.
    pub(crate) fn count_join(
        &self,
        service: &ChallengeService,
        id: ChallengeId,
    ) -> Result<(), ApiError> {
        let Some(JoinLimits { addresses, challenges }) = &service.parts.join_limits else {
            return Ok(());
        };
        // The address first: a join that it refuses does not count for the challenge.
        if let Some(address) = self.0 {
            addresses.count(&address.for_limits()).map_err(ApiError::too_many_joins)?;
        }
        challenges.count(&id).map_err(ApiError::too_many_joins)
    }
}
