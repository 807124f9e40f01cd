//! Durations for people.

use std::time::Duration;

/// The two largest units: `6 d 13 h`, `2 min 5 s`, `41 s`.
pub(super) fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let first = units.iter().position(|(count, _)| *count > 0).unwrap_or(units.len() - 1);
    let words = units.iter().skip(first).take(2).filter(|(count, _)| *count > 0);
    let words: Vec<String> = words.map(|(count, unit)| format!("{count} {unit}")).collect();
    if words.is_empty() { "0 s".to_owned() } else { words.join(" ") }
}

/// A number of seconds; below ten minutes with one decimal.
pub(super) fn seconds_in_words(seconds: f64) -> String {
    if (0.0..600.0).contains(&seconds) {
        format!("{seconds:.1} s")
    } else {
        in_words(Duration::try_from_secs_f64(seconds).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_at_most_two_units() {
        for (seconds, words) in [
            (0, "0 s"),
            (41, "41 s"),
            (60, "1 min"),
            (125, "2 min 5 s"),
            (3_600, "1 h"),
            (3_661, "1 h 1 min"),
            (6 * 86_400 + 13 * 3600 + 59, "6 d 13 h"),
            (86_400 + 59, "1 d"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }

    #[test]
    fn short_durations_have_a_decimal() {
        assert_eq!(
            (&*seconds_in_words(41.25), &*seconds_in_words(725.0)),
            ("41.2 s", "12 min 5 s")
        );
    }
}
