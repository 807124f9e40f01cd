//! Points in time, to the millisecond (§1).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A point in time in UTC with millisecond precision, as everywhere in the API (§1).
///
/// It is formatted as `2026-04-08T10:00:00.000Z` and stored as milliseconds since 1970. Arithmetic
/// saturates, so no duration makes it panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The range of timestamps, years 1 to 9998, is within the range that `jiff` can format.
const EARLIEST: i64 = -62_135_596_800_000;
const LATEST: i64 = 253_370_764_800_000;

const MILLIS_PER_DAY: i64 = 86_400_000;

impl Timestamp {
    /// 1970-01-01T00:00:00.000Z.
    pub const EPOCH: Self = Self(0);

    /// From milliseconds since 1970-01-01T00:00:00Z, limited to the years 1 to 9998.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(EARLIEST, LATEST))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// `duration` after this timestamp.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// `duration` before this timestamp.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_sub(millis))
    }

    /// The time from `earlier` to this timestamp; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0).max(0);
        Duration::from_millis(millis.unsigned_abs())
    }

    /// 23:59:59.000 UTC of the day that is `days` days after this one.
    #[must_use]
    pub fn last_second_of_day_after(self, days: u32) -> Self {
        let midnight = self.0 - self.0.rem_euclid(MILLIS_PER_DAY);
        let days = i64::from(days) + 1;
        Self::from_millis(midnight.saturating_add(days.saturating_mul(MILLIS_PER_DAY)) - 1000)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(formatter, "{timestamp:.3}")
    }
}

/// The text is not an ISO 8601 timestamp with an offset.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a moment in the form 2026-04-08T10:00:00.000Z")]
pub struct MalformedTimestamp;

impl FromStr for Timestamp {
    type Err = MalformedTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let timestamp: jiff::Timestamp = text.parse().map_err(|_| MalformedTimestamp)?;
        Ok(Self::from_millis(timestamp.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn is_formatted_with_exactly_three_decimals() {
        let timestamp = Timestamp::from_millis(1_775_642_400_000);
        assert_eq!(timestamp.to_string(), "2026-04-08T10:00:00.000Z");
    }

    #[test]
    fn the_last_second_of_the_seventh_day_after() {
        let created: Timestamp = "2026-04-08T10:00:00.000Z".parse().unwrap();
        assert_eq!(created.last_second_of_day_after(7).to_string(), "2026-04-15T23:59:59.000Z");
    }

    proptest! {
        #[test]
        fn what_is_formatted_can_be_parsed(millis in any::<i64>()) {
            let timestamp = Timestamp::from_millis(millis);
            prop_assert_eq!(timestamp.to_string().parse::<Timestamp>(), Ok(timestamp));
        }

        #[test]
        fn addition_saturates(millis in any::<i64>(), seconds in any::<u64>()) {
            let timestamp = Timestamp::from_millis(millis);
            prop_assert!(timestamp.plus(Duration::from_secs(seconds)) >= timestamp);
        }
    }
}
