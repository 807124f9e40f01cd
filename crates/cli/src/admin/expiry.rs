//! The expiry of a key, as an operator writes it (§13).

use std::str::FromStr;
use std::time::Duration;

use domain::Timestamp;

/// When a key expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// At this time.
    At(Timestamp),
    /// This long from now.
    After(Duration),
}

/// The text is not an expiry.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write a day (2027-01-31), a time (2027-01-31T12:00:00Z), or a duration from now (12h, 90d, 8w)"
)]
pub(super) struct MalformedExpiry;

impl Expiry {
    /// The time from which the key is refused, if that is in the future.
    pub(super) fn time(self, now: Timestamp) -> Option<Timestamp> {
        let time = match self {
            Self::At(time) => time,
            Self::After(duration) => now.plus(duration),
        };
        (time > now).then_some(time)
    }
}

impl FromStr for Expiry {
    type Err = MalformedExpiry;

    fn from_str(text: &str) -> Result<Self, MalformedExpiry> {
        if let Some(duration) = duration(text) {
            return Ok(Self::After(duration));
        }
        // A day includes its last second.
        let is_day = text.len() == "2027-01-31".len();
        let time: Result<Timestamp, _> =
            if is_day { format!("{text}T00:00:00Z").parse() } else { text.parse() };
        let time = time.map_err(|_| MalformedExpiry)?;
        Ok(Self::At(if is_day { time.last_second_of_day_after(0) } else { time }))
    }
}

/// A whole number of hours, days or weeks.
fn duration(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let hours = match unit {
        'h' => 1,
        'd' => 24,
        'w' => 7 * 24,
        _ => return None,
    };
    let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
    Some(Duration::from_secs(count.saturating_mul(hours).saturating_mul(3600)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time that `text` means at ten o'clock on 8 April 2026.
    fn time(text: &str) -> Option<String> {
        let now: Timestamp = "2026-04-08T10:00:00.000Z".parse().unwrap();
        text.parse::<Expiry>().unwrap().time(now).map(|time| time.to_string())
    }

    #[test]
    fn an_expiry_is_a_day_a_time_or_a_duration() {
        for (text, expected) in [
            ("2026-04-08", "2026-04-08T23:59:59.000Z"),
            ("2026-04-08T12:00:00+02:00", "2026-04-08T10:00:00.000Z"),
            ("2026-12-31T00:00:00.5Z", "2026-12-31T00:00:00.500Z"),
            ("1h", "2026-04-08T11:00:00.000Z"),
            ("90d", "2026-07-07T10:00:00.000Z"),
            ("2w", "2026-04-22T10:00:00.000Z"),
        ] {
            let time = time(text);
            if expected == "2026-04-08T10:00:00.000Z" {
                assert_eq!(time, None, "the present is not in the future");
            } else {
                assert_eq!(time.as_deref(), Some(expected), "{text}");
            }
        }
    }

    #[test]
    fn an_expiry_is_in_the_future() {
        for past in ["2026-04-07", "1970-01-01T00:00:00Z", "0d"] {
            assert_eq!(time(past), None, "{past}");
        }
        assert!(time("18446744073709551615d").is_some());
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "",
            "d",
            "-1d",
            "1.5d",
            "90",
            "90m",
            "tomorrow",
            "2026-13-01",
            "2026-04-08T10:00:00",
            "é",
        ] {
            assert_eq!(wrong.parse::<Expiry>(), Err(MalformedExpiry), "{wrong}");
        }
    }
}
