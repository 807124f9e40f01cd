//! How many requests one API key may make (§13).

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use domain::{ApiKeyId, Clock};
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::error::ApiError;
use crate::config::RateLimit;

type Limiter = RateLimiter<ApiKeyId, DashMapStateStore<ApiKeyId>, InjectedClock, NoOpMiddleware<Nanos>>;

/// Counts each key's requests. Clones share the counts.
#[derive(Clone)]
pub(crate) struct RateLimits(Option<Arc<Limiter>>);

impl RateLimits {
    pub(crate) fn new(limit: RateLimit, clock: Arc<dyn Clock>) -> Self {
        let RateLimit::PerSecond(rate) = limit else { return Self(None) };
        let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(1));
        let quota = Quota::per_second(rate).allow_burst(burst);
        Self(Some(Arc::new(RateLimiter::dashmap_with_clock(quota, InjectedClock(clock)))))
    }

    /// Counts one request.
    ///
    /// # Errors
    /// When it is one too many: with the time after which it would not be.
    pub(crate) fn count(&self, key: ApiKeyId) -> Result<(), ApiError> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        limiter.check_key(&key).map_err(|refused| {
            let wait = refused.wait_time_from(limiter.clock().now());
            ApiError::rate_limited(whole_seconds(wait))
        })
    }
}

/// At least one second: who comes back after zero is refused again.
fn whole_seconds(wait: Duration) -> u64 {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    seconds.max(1)
}

/// The server's clock, as the limiter likes it: one that never goes back.
#[derive(Clone)]
struct InjectedClock(Arc<dyn Clock>);

impl GovernorClock for InjectedClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.elapsed())
    }
}
