//! How often an API key, an address or a challenge may do something (§13).

use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
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

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, InjectedClock, NoOpMiddleware<Nanos>>;

/// After this many counts, those of keys that have rested are forgotten.
const COUNTS_BETWEEN_SWEEPS: u32 = 4096;

/// Counts in this process what strangers do, by what they have in common: an address, a challenge.
/// Clones share the counts.
#[derive(Clone)]
pub struct StrangerLimit<K: Clone + Eq + Hash> {
    limiter: Arc<Limiter<K>>,
    counted: Arc<AtomicU32>,
}

impl<K: Clone + Eq + Hash> StrangerLimit<K> {
    /// At most one each `interval` on average, and this many in a burst. An interval of zero is one
    /// nanosecond.
    pub fn new(interval: Duration, burst: NonZeroU32, clock: Arc<dyn Clock>) -> Self {
        let interval = interval.max(Duration::from_nanos(1));
        // The interval is not zero.
        let quota = Quota::with_period(interval).unwrap_or(Quota::per_second(NonZeroU32::MIN));
        let quota = quota.allow_burst(burst);
        let limiter = Arc::new(RateLimiter::hashmap_with_clock(quota, InjectedClock(clock)));
        Self { limiter, counted: Arc::default() }
    }

    /// Counts one.
    ///
    /// # Errors
    /// When there were too many: how many seconds to wait.
    pub fn count(&self, key: &K) -> Result<(), u64> {
        if self.counted.fetch_add(1, Ordering::Relaxed).is_multiple_of(COUNTS_BETWEEN_SWEEPS) {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        let now = self.limiter.clock().now();
        self.limiter.check_key(key).map_err(|refused| whole_seconds(refused.wait_time_from(now)))
    }
}

/// Counts the requests of each key in this process. Clones share the counts.
#[derive(Clone)]
pub struct RateLimits(Option<Limits>);

#[derive(Clone)]
struct Limits {
    limiter: Arc<Limiter<ApiKeyId>>,
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
    fn strangers_may_burst_and_then_wait() {
        let clock = domain::ManualClock::at(domain::Timestamp::EPOCH);
        let clock = Arc::new(clock);
        let burst = NonZeroU32::MIN.saturating_add(1);
        let limit = StrangerLimit::new(Duration::from_secs(3), burst, clock.clone());
        assert_eq!((limit.count(&1), limit.count(&1), limit.count(&1)), (Ok(()), Ok(()), Err(3)));
        assert_eq!(limit.count(&2), Ok(()));
        clock.advance(Duration::from_secs(3));
        assert_eq!((limit.count(&1), limit.count(&1)), (Ok(()), Err(3)));
    }

    #[test]
    fn a_rate_is_at_least_one_a_second() {
        assert_eq!(RateLimit::default().to_string(), "200");
        assert_eq!("off".parse(), Ok(RateLimit::Off));
        for wrong in ["0", "-1", "", "many"] {
            assert_eq!(wrong.parse::<RateLimit>(), Err(MalformedRateLimit), "{wrong}");
        }
    }
}
