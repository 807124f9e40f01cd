//! When a key ends, as an operator says it (§13).

use std::str::FromStr;
use std::time::Duration;

use domain::Timestamp;

/// When a key ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// At a moment.
    At(Timestamp),
    /// So long from now.
    After(Duration),
}

/// The text names no end.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write a day (2027-01-31), a moment (2027-01-31T12:00:00Z), or how long from now (12h, 90d, 8w)"
)]
pub(super) struct MalformedExpiry;

impl Expiry {
    /// The moment from which on the key is refused, if that is yet to come.
    pub(super) fn end(self, now: Timestamp) -> Option<Timestamp> {
        let end = match self {
            Self::At(moment) => moment,
            Self::After(duration) => now.plus(duration),
        };
        (end > now).then_some(end)
    }
}

impl FromStr for Expiry {
    type Err = MalformedExpiry;

    fn from_str(text: &str) -> Result<Self, MalformedExpiry> {
        if let Some(duration) = duration(text) {
            return Ok(Self::After(duration));
        }
        // A day means all of it.
        let is_day = text.len() == "2027-01-31".len();
        let moment: Result<Timestamp, _> =
            if is_day { format!("{text}T00:00:00Z").parse() } else { text.parse() };
        let moment = moment.map_err(|_| MalformedExpiry)?;
        Ok(Self::At(if is_day { moment.last_second_of_day_after(0) } else { moment }))
    }
}

/// A whole number of hours, days or weeks.
fn duration(text: &str) -> Option<Duration> {
    let write = text.chars().next_back()?;
    let hours = match write {
        'h' => 1,
        'd' => 24,
        'w' => 7 * 24,
        _ => return None,
    };
    let count: u64 = text.strip_suffix(write)?.parse().ok()?;
    Some(Duration::from_secs(count.saturating_mul(hours).saturating_mul(3600)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end that `text` means at ten o'clock on 8 April 2026.
    fn end(text: &str) -> Option<String> {
        let now: Timestamp = "2026-04-08T10:00:00.000Z".parse().unwrap();
        text.parse::<Expiry>().unwrap().end(now).map(|end| end.to_string())
    }

    #[test]
    fn an_end_is_a_day_a_moment_or_a_duration() {
        for (text, expected) in [
            ("2026-04-08", "2026-04-08T23:59:59.000Z"),
            ("2026-04-08T12:00:00+02:00", "2026-04-08T10:00:00.000Z"),
            ("2026-12-31T00:00:00.5Z", "2026-12-31T00:00:00.500Z"),
            ("1h", "2026-04-08T11:00:00.000Z"),
            ("90d", "2026-07-07T10:00:00.000Z"),
            ("2w", "2026-04-22T10:00:00.000Z"),
        ] {
            let end = end(text);
            if expected == "2026-04-08T10:00:00.000Z" {
                assert_eq!(end, None, "the present is no future");
            } else {
                assert_eq!(end.as_deref(), Some(expected), "{text}");
            }
        }
    }

    #[test]
    fn an_end_lies_in_the_future() {
        for past in ["2026-04-07", "1970-01-01T00:00:00Z", "0d"] {
            assert_eq!(end(past), None, "{past}");
        }
        assert!(
            end("99999999999999999999d"
                .replace("99999999999999999999", "18446744073709551615")
                .as_str())
            .is_some()
        );
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
