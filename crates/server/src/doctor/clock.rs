//! The check `clock`: it agrees with the databases.

use std::time::Duration;

use db::ClockReading;
use domain::Timestamp;

use super::databases::Databases;
use super::finding::Finding;

const CHECK: &str = "clock";

/// 2026-01-01 in milliseconds. This program did not exist before.
const FIRST_DAY: i64 = 1_767_225_600_000;

/// A difference up to this is normal.
const CLOSE: Duration = Duration::from_secs(1);

/// A difference above this is a failure: two servers that differ from their database's clock by
/// this much, in opposite directions, differ by half a lease.
const FAR: Duration = Duration::from_secs(5);

const FIX: &str = "set this machine's clock right, and keep it right with NTP";

/// The difference between our clock and a time that it is compared with.
#[derive(Debug)]
struct Difference {
    length: Duration,
    text: String,
    fix: String,
}

pub(super) fn check(now: Timestamp, databases: &Databases) -> Finding {
    if now.as_millis() < FIRST_DAY {
        return Finding::failed(
            CHECK,
            format!("it is {now} here, which is before this program was made"),
            FIX,
        );
    }
    let tables = || databases.open();
    let clocks = tables().filter_map(|(name, tables)| Some(from_clock(name, tables.clock?)));
    let rows = tables().filter_map(|(name, tables)| Some(from_row(name, tables.newest_row?, now)));
    match clocks.chain(rows).max_by_key(|difference| difference.length) {
        None => Finding::good(CHECK, format!("it is {now}; there is nothing to compare that with")),
        Some(difference) => difference.finding(),
    }
}

impl Difference {
    fn finding(self) -> Finding {
        let Self { length, text, fix } = self;
        match length {
            length if length <= CLOSE => Finding::good(CHECK, text),
            length if length <= FAR => Finding::warning(CHECK, text, fix),
            _ => Finding::failed(CHECK, text, fix),
        }
    }
}

/// The difference from the database's clock, at least: the time of the round trip is not counted.
fn from_clock(name: &str, reading: ClockReading) -> Difference {
    let ClockReading { before, there, after } = reading;
    let (length, side) = match (there.since(after), before.since(there)) {
        (behind, Duration::ZERO) => (behind, "behind"),
        (_, ahead) => (ahead, "ahead of"),
    };
    let text = if length <= CLOSE {
        format!("it is {after}, as in {name}")
    } else {
        format!("this machine's clock is {} {side} that of {name}", in_words(length))
    };
    Difference { length, text, fix: format!("{FIX}, and that of the database") }
}

/// How far in the future the newest row was created.
fn from_row(name: &str, newest: Timestamp, now: Timestamp) -> Difference {
    let length = newest.since(now);
    let text = if length <= CLOSE {
        format!("it is {now}, and no row is newer")
    } else {
        format!("it is {now}, but a row of {name} was made {} later than that", in_words(length))
    };
    let fix = format!(
        "{FIX}; if it is right now, it was wrong when that row was made, and this passes with time"
    );
    Difference { length, text, fix }
}

fn in_words(length: Duration) -> String {
    match length.as_secs() {
        seconds @ 0..180 => format!("{seconds} s"),
        seconds @ 180..10_800 => format!("{} min", seconds / 60),
        seconds @ 10_800..259_200 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::CheckStatus::{self, Failed, Ok, Warning};

    const NOW: i64 = FIRST_DAY + 1_000_000_000;

    /// The finding when our clock is at `NOW`, the database's at `there`, and its answer takes 200
    /// ms.
    fn compared(there: i64) -> (CheckStatus, String) {
        let at = |millis| Timestamp::from_millis(NOW + millis);
        let finding =
            from_clock("db", ClockReading { before: at(0), there: at(there), after: at(200) })
                .finding();
        (finding.status, finding.text)
    }

    #[test]
    fn the_round_trip_is_not_a_difference() {
        for (there, status) in [
            (0, Ok),
            (200, Ok),
            (1200, Ok),
            (-1000, Ok),
            (1201, Warning),
            (-1001, Warning),
            (5200, Warning),
            (-5000, Warning),
            (5201, Failed),
            (-5001, Failed),
        ] {
            assert_eq!(compared(there).0, status, "{there}");
        }
        assert_eq!(compared(8200).1, "this machine's clock is 8 s behind that of db");
        assert_eq!(compared(-7_200_000).1, "this machine's clock is 120 min ahead of that of db");
    }

    #[test]
    fn a_row_from_the_future_shows_a_clock_that_is_behind() {
        let now = Timestamp::from_millis(NOW);
        assert_eq!(from_row("db", Timestamp::from_millis(NOW - 1), now).length, Duration::ZERO);
        let difference = from_row("db", Timestamp::from_millis(NOW + 3 * 86_400_000), now);
        assert!(
            difference.length > FAR && difference.text.contains("was made 3 days later"),
            "{difference:?}"
        );
    }

    #[test]
    fn a_reset_clock_is_noticed_without_a_database() {
        let finding = |millis| check(Timestamp::from_millis(millis), &Databases::default());
        assert_eq!(finding(0).status, Failed);
        assert_eq!(finding(FIRST_DAY - 1).status, Failed);
        assert_eq!(finding(FIRST_DAY).status, Ok);
    }
}
