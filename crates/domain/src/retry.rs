//! When a challenge request is attempted again (§9).

use std::time::Duration;

use crate::Timestamp;

/// How long a request can stay pending: 24 hours.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_hours(24);

/// The upper bound of the first delay.
const INITIAL_BOUND: Duration = Duration::from_secs(1);

/// The upper bound of every delay.
const MAX_BOUND: Duration = Duration::from_mins(5);

/// When to make the next attempt after `attempts` failed ones; `None` if `give_up_at` has passed.
///
/// Exponential backoff with full jitter: the delay is random between zero and a bound that doubles
/// from 1 s to 5 min. `at_least` is the delay that the server requested (`Retry-After`); `random`
/// is any random number. The last attempt is made exactly at `give_up_at`.
#[must_use]
pub fn next_attempt(
    now: Timestamp,
    give_up_at: Timestamp,
    attempts: u32,
    at_least: Option<Duration>,
    random: u64,
) -> Option<Timestamp> {
    if now >= give_up_at {
        return None;
    }
    let delay = jittered(upper_bound(attempts), random).max(at_least.unwrap_or_default());
    Some(now.plus(delay).min(give_up_at))
}

fn upper_bound(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(31);
    INITIAL_BOUND.saturating_mul(1 << doublings).min(MAX_BOUND)
}

/// A whole number of milliseconds from 0 to `bound`.
fn jittered(bound: Duration, random: u64) -> Duration {
    let millis = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX - 1);
    Duration::from_millis(random % (millis + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_775_642_400_000;

    fn delay(attempts: u32, at_least: Option<Duration>, random: u64) -> Duration {
        let now = Timestamp::from_millis(NOW);
        next_attempt(now, now.plus(DEFAULT_TIMEOUT), attempts, at_least, random).unwrap().since(now)
    }

    #[test]
    fn the_upper_bound_doubles_from_one_second_to_five_minutes() {
        let bounds: Vec<u64> = (1..=11).map(|attempts| upper_bound(attempts).as_secs()).collect();
        assert_eq!(bounds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(upper_bound(u32::MAX).as_secs(), 300);
    }

    #[test]
    fn jitter_covers_the_whole_range() {
        assert_eq!(delay(1, None, 0), Duration::ZERO);
        assert_eq!(delay(1, None, 1000), Duration::from_secs(1));
        assert_eq!(delay(1, None, 1001), Duration::ZERO);
    }

    #[test]
    fn the_last_attempt_is_at_the_deadline_and_none_after_it() {
        let now = Timestamp::from_millis(NOW);
        let deadline = now.plus(Duration::from_millis(5));
        assert_eq!(next_attempt(now, deadline, 20, None, 299_999), Some(deadline));
        assert_eq!(next_attempt(deadline, deadline, 21, None, 0), None);
    }

    proptest! {
        #[test]
        fn a_delay_is_at_most_five_minutes(attempts in 1_u32.., random in any::<u64>()) {
            prop_assert!(delay(attempts, None, random) <= Duration::from_mins(5));
        }

        #[test]
        fn retry_after_is_respected(
            attempts in 1_u32..,
            seconds in 0_u64..86_400,
            random in any::<u64>(),
        ) {
            let retry_after = Duration::from_secs(seconds);
            prop_assert!(delay(attempts, Some(retry_after), random) >= retry_after);
        }
    }
}
