//! Whether the clock is right, as far as anything here can tell.

use std::time::Duration;

use db::ClockReading;
use domain::Timestamp;

use super::Finding;
use super::databases::Databases;

const CHECK: &str = "clock";

/// 2026-01-01, in milliseconds: before that there was no such program.
const FIRST_DAY: i64 = 1_767_225_600_000;

/// Up to here clocks agree as well as clocks do.
const CLOSE: Duration = Duration::from_secs(1);

/// From here on it hurts: two servers that are so far from their database's clock, on either side
/// of it, are half a lease apart.
const FAR: Duration = Duration::from_secs(5);

const MEND: &str = "set this machine's clock right, and keep it right with NTP";

/// How far the clock is from something that it can be compared with.
#[derive(Debug)]
struct Distance {
    length: Duration,
    text: String,
    mend: String,
}

pub(super) fn judge(now: Timestamp, databases: &Databases) -> Finding {
    if now.as_millis() < FIRST_DAY {
        return Finding::failed(
            CHECK,
            format!("it is {now} here, which is before this program was made"),
            MEND,
        );
    }
    let tables = || databases.open();
    let clocks = tables().filter_map(|(name, tables)| Some(from_clock(name, tables.clock?)));
    let rows = tables().filter_map(|(name, tables)| Some(from_row(name, tables.newest_row?, now)));
    match clocks.chain(rows).max_by_key(|distance| distance.length) {
        None => Finding::good(CHECK, format!("it is {now}; there is nothing to compare that with")),
        Some(distance) => distance.finding(),
    }
}

impl Distance {
    fn finding(self) -> Finding {
        let Self { length, text, mend } = self;
        match length {
            length if length <= CLOSE => Finding::good(CHECK, text),
            length if length <= FAR => Finding::warning(CHECK, text, mend),
            _ => Finding::failed(CHECK, text, mend),
        }
    }
}

/// How far our clock is from the database's, at the least: what the question was under way is not
/// counted.
fn from_clock(name: &str, reading: ClockReading) -> Distance {
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
    Distance { length, text, mend: format!("{MEND}, and that of the database") }
}

/// How far the newest row is in the future.
fn from_row(name: &str, newest: Timestamp, now: Timestamp) -> Distance {
    let length = newest.since(now);
    let text = if length <= CLOSE {
        format!("it is {now}, and no row is newer")
    } else {
        format!("it is {now}, but a row of {name} was made {} later than that", in_words(length))
    };
    let mend = format!(
        "{MEND}; if it is right now, it was wrong when that row was made, and this passes with time"
    );
    Distance { length, text, mend }
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
    use crate::doctor::Verdict::{self, Failed, Ok, Warning};

    const NOW: i64 = FIRST_DAY + 1_000_000_000;

    /// The finding, if the database's clock says this when ours says `NOW`, and its answer takes
    /// 200 ms.
    fn compared(there: i64) -> (Verdict, String) {
        let at = |millis| Timestamp::from_millis(NOW + millis);
        let finding =
            from_clock("db", ClockReading { before: at(0), there: at(there), after: at(200) })
                .finding();
        (finding.verdict, finding.text)
    }

    #[test]
    fn what_lies_within_the_time_of_the_answer_is_no_difference() {
        for (there, verdict) in [
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
            assert_eq!(compared(there).0, verdict, "{there}");
        }
        assert_eq!(compared(8200).1, "this machine's clock is 8 s behind that of db");
        assert_eq!(compared(-7_200_000).1, "this machine's clock is 120 min ahead of that of db");
    }

    #[test]
    fn a_row_that_is_still_to_be_made_shows_a_clock_that_is_behind() {
        let now = Timestamp::from_millis(NOW);
        assert_eq!(from_row("db", Timestamp::from_millis(NOW - 1), now).length, Duration::ZERO);
        let distance = from_row("db", Timestamp::from_millis(NOW + 3 * 86_400_000), now);
        assert!(
            distance.length > FAR && distance.text.contains("was made 3 days later"),
            "{distance:?}"
        );
    }

    #[test]
    fn a_machine_that_has_forgotten_the_time_is_seen_without_any_database() {
        let finding = |millis| judge(Timestamp::from_millis(millis), &Databases::default());
        assert_eq!(finding(0).verdict, Failed);
        assert_eq!(finding(FIRST_DAY - 1).verdict, Failed);
        assert_eq!(finding(FIRST_DAY).verdict, Ok);
    }
}
