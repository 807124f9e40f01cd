//! The rate limit of an API key (§13).

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use domain::{ApiKeyId, Clock};
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::error::ApiError;

/// How many requests an API key may make (§13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// This many a second on average, and twice as many in a burst.
    PerSecond(NonZeroU32),
    /// No limit.
    Off,
}

impl Default for RateLimit {
    fn default() -> Self {
        const DEFAULT: NonZeroU32 = NonZeroU32::MIN.saturating_add(199);
        Self::PerSecond(DEFAULT)
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerSecond(number) => number.fmt(formatter),
            Self::Off => formatter.write_str("off"),
        }
    }
}

/// The text is not a rate limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a number of requests per second, at least 1, or off")]
pub struct MalformedRateLimit;

impl FromStr for RateLimit {
    type Err = MalformedRateLimit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            number => number.parse().map(Self::PerSecond).map_err(|_| MalformedRateLimit),
        }
    }
}

type Limiter =
    RateLimiter<ApiKeyId, HashMapStateStore<ApiKeyId>, InjectedClock, NoOpMiddleware<Nanos>>;

/// Counts the requests of each key in this process. Clones share the counts.
#[derive(Clone)]
pub struct RateLimits(Option<Limits>);

#[derive(Clone)]
struct Limits {
    limiter: Arc<Limiter>,
    burst: NonZeroU32,
}

impl RateLimits {
    /// The same limit for every key.
    pub fn new(limit: RateLimit, clock: Arc<dyn Clock>) -> Self {
        let RateLimit::PerSecond(rate) = limit else { return Self(None) };
        let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(1));
        let quota = Quota::per_second(rate).allow_burst(burst);
        let limiter = Arc::new(RateLimiter::hashmap_with_clock(quota, InjectedClock(clock)));
        Self(Some(Limits { limiter, burst }))
    }

    /// Counts one request.
    ///
    /// # Errors
    /// 429 when the key is over its limit, with the time until its next request is accepted.
    pub fn count(&self, key: ApiKeyId) -> Result<(), ApiError> {
        self.count_many(key, NonZeroU32::MIN)
    }

    /// Counts this many further requests that came with one. More than a burst count as what is left
    /// of a whole burst, because otherwise they could never be made.
    ///
    /// # Errors
    /// As [`RateLimits::count`]. Then none of them is counted.
    pub fn count_many(&self, key: ApiKeyId, number: NonZeroU32) -> Result<(), ApiError> {
        let Some(Limits { limiter, burst }) = &self.0 else { return Ok(()) };
        let most = NonZeroU32::new(burst.get() - 1).unwrap_or(NonZeroU32::MIN);
        let Ok(counted) = limiter.check_key_n(&key, number.min(most)) else { return Ok(()) };
        counted.map_err(|refused| {
            let wait = refused.wait_time_from(limiter.clock().now());
            ApiError::rate_limited(whole_seconds(wait))
        })
    }
}

/// Rounded up, and at least one second: a client that retries after zero is refused again.
fn whole_seconds(wait: Duration) -> u64 {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    seconds.max(1)
}

/// The server's monotonic clock as a clock of governor.
#[derive(Clone)]
struct InjectedClock(Arc<dyn Clock>);

impl GovernorClock for InjectedClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_at_least_one_a_second() {
        assert_eq!(RateLimit::default().to_string(), "200");
        assert_eq!("off".parse(), Ok(RateLimit::Off));
        for wrong in ["0", "-1", "", "many"] {
            assert_eq!(wrong.parse::<RateLimit>(), Err(MalformedRateLimit), "{wrong}");
        }
    }
}
