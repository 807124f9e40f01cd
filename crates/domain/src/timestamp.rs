//! Moments, to the millisecond (§1).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A moment in UTC with millisecond precision, the only precision that the API knows (§1).
///
/// Printed as `2026-04-08T10:00:00.000Z`, stored as milliseconds since 1970. Arithmetic saturates,
/// so that no duration, however long, can make a request panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The range of moments that can be printed: years 1 to 9998, well inside what the calendar library
/// takes.
const EARLIEST: i64 = -62_135_596_800_000;
const LATEST: i64 = 253_370_764_800_000;

const MILLIS_PER_DAY: i64 = 86_400_000;

impl Timestamp {
    /// The moment this many milliseconds after 1970-01-01T00:00:00Z, moved to the nearest printable
    /// one.
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

    /// This moment and `duration` later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// This moment and `duration` earlier.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_sub(millis))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0).max(0);
        Duration::from_millis(millis.unsigned_abs())
    }

    /// 23:59:59.000 UTC of the day that comes `days` days after this one.
    #[must_use]
    pub fn last_second_of_day_after(self, days: u32) -> Self {
        let midnight = self.0 - self.0.rem_euclid(MILLIS_PER_DAY);
        let days = i64::from(days) + 1;
        Self::from_millis(midnight.saturating_add(days.saturating_mul(MILLIS_PER_DAY)) - 1000)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(formatter, "{moment:.3}")
    }
}

/// The text was not an ISO 8601 moment with an offset.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a moment in the form 2026-04-08T10:00:00.000Z")]
pub struct MalformedTimestamp;

impl FromStr for Timestamp {
    type Err = MalformedTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| MalformedTimestamp)?;
        Ok(Self::from_millis(moment.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn is_printed_with_exactly_three_decimals() {
        let moment = Timestamp::from_millis(1_775_642_400_000);
        assert_eq!(moment.to_string(), "2026-04-08T10:00:00.000Z");
    }

    #[test]
    fn the_last_second_of_the_seventh_day_after() {
        let created: Timestamp = "2026-04-08T10:00:00.000Z".parse().unwrap();
        assert_eq!(created.last_second_of_day_after(7).to_string(), "2026-04-15T23:59:59.000Z");
    }

    proptest! {
        #[test]
        fn what_is_printed_can_be_read_again(millis in any::<i64>()) {
            let moment = Timestamp::from_millis(millis);
            prop_assert_eq!(moment.to_string().parse::<Timestamp>(), Ok(moment));
        }

        #[test]
        fn adding_never_panics_and_never_goes_back(millis in any::<i64>(), seconds in any::<u64>()) {
            let moment = Timestamp::from_millis(millis);
            prop_assert!(moment.plus(Duration::from_secs(seconds)) >= moment);
        }
    }
}
