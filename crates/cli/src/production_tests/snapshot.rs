//! What `fieldtest tests watch` shows of a production test.
//!
//! The bar is ours: indicatif draws bars of its own on standard error, here it is one line of five
//! that are redrawn together, and tests compare them.

use domain::Timestamp;
use wire::production_test::ProductionTest;
use wire::report::{ProviderRow, Report};

use super::duration::{in_words, seconds_in_words};
use super::state::{TestState, style};
use crate::table::printable;
use crate::terminal::{Style, Terminal, display_width, truncated};

/// The maximum width of the bar.
const MAX_BAR: usize = 40;

/// The minimum width of the bar. If there is less space, there is no bar.
const MIN_BAR: usize = 4;

/// A production test and its report at one time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Snapshot {
    pub(super) test: ProductionTest,
    /// `None` until the test is scheduled.
    pub(super) report: Option<Report>,
}

impl Snapshot {
    pub(super) fn state(&self, now: Timestamp) -> TestState {
        TestState::of(&self.test, now)
    }

    /// The lines that are redrawn in a terminal. None is wider than the terminal.
    pub(super) fn lines(&self, now: Timestamp, terminal: Terminal) -> Vec<String> {
        let width = terminal.width.unwrap_or(80).saturating_sub(1);
        let state = self.state(now);
        let title = printable(&self.test.request.payload.title);
        let detail = self.detail(state, now);
        let available =
            width.saturating_sub(display_width(state.name()) + display_width(&detail) + 2);
        let head = format!(
            "{}  {}",
            truncated(&title, available),
            terminal.paint(style(state), state.name())
        );
        let mut lines = vec![format!("{head}{detail}")];
        if let Some(report) = &self.report {
            lines.push(self.bar(report, width, terminal));
            lines.extend(rows(report, width));
        }
        lines
    }

    /// One line for a log, with everything that changes.
    pub(super) fn log_line(&self, now: Timestamp) -> String {
        let state = self.state(now);
        let Some(report) = &self.report else {
            return format!("{}{}", state.name(), self.detail(state, now));
        };
        let providers: Vec<String> = report
            .stats
            .provider_breakdown
            .iter()
            .map(|row| format!("{} {}", printable(&row.provider_id), row.claim_count))
            .collect();
        format!("{}: {} ({})", state.name(), self.counts(report), providers.join(", "))
    }

    /// The text after the state: the time that is left, or the last error.
    fn detail(&self, state: TestState, now: Timestamp) -> String {
        let left = |end: Timestamp| in_words(end.since(now));
        match (&self.test.challenge, state) {
            (Some(challenge), TestState::Open) => {
                format!(", {} left", left(challenge.expires_at.0))
            }
            (None, TestState::Pending | TestState::Failed) => {
                let error = self.test.scheduling.last_error.as_deref();
                error
                    .map(|error| format!(": {}", truncated(&printable(error), 60)))
                    .unwrap_or_default()
            }
            _ => String::new(),
        }
    }

    fn counts(&self, report: &Report) -> String {
        let plural = if report.stats.total_participations == 1 { "" } else { "s" };
        format!(
            "{} of {} stamps, {} participation{plural}",
            report.stats.total_claims,
            self.test.request.payload.max_stamp_claims,
            report.stats.total_participations
        )
    }

    fn bar(&self, report: &Report, width: usize, terminal: Terminal) -> String {
        let counts = self.counts(report);
        let length = width.saturating_sub(display_width(&counts) + 1).min(MAX_BAR);
        let limit = u64::from(self.test.request.payload.max_stamp_claims).max(1);
        let granted = report.stats.total_claims.min(limit);
        let full =
            usize::try_from(granted * u64::try_from(length).unwrap_or(0) / limit).unwrap_or(0);
        if length < MIN_BAR {
            return truncated(&counts, width);
        }
        format!(
            "{}{} {counts}",
            terminal.paint(Style::Success, &"█".repeat(full)),
            "░".repeat(length.saturating_sub(full))
        )
    }
}

/// A line for each provider, in columns.
fn rows(report: &Report, width: usize) -> Vec<String> {
    let rows = &report.stats.provider_breakdown;
    let name = |row: &ProviderRow| printable(&row.provider_name);
    let max_width = rows.iter().map(|row| display_width(&name(row))).max().unwrap_or(0);
    let line = |row: &ProviderRow| {
        let name = name(row);
        let padding = " ".repeat(max_width.saturating_sub(display_width(&name)));
        let average = row
            .average_completion_seconds
            .map(|seconds| format!(", {} on average", seconds_in_words(seconds)));
        truncated(
            &format!("  {name}{padding}  {}{}", row.claim_count, average.unwrap_or_default()),
            width,
        )
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: &str = "2026-04-08T10:01:00.000Z";

    fn snapshot(stamps: u64, completed_at: Option<&str>) -> Snapshot {
        let challenge = json!({ "id": "ch_1", "title": "BankID SE Test", "description": null,
            "expiresAt": "2026-04-15T23:59:59.000Z", "createdAt": "2026-04-08T10:00:00.000Z",
            "completedAt": completed_at, "isActive": completed_at.is_none(),
            "challengeMode": "stamp", "sponsor": null, "sources": null });
        let payload = json!({ "title": "BankID SE Test", "providerIds": ["bankidse", "mitid"],
            "maxStampClaims": 4, "targetPlatform": null });
        let test = json!({ "id": "req_1", "clientId": "FK5b0KSM", "status": "scheduled",
            "payload": payload, "challengeId": "ch_1", "createdAt": "2026-04-08T10:00:00.000Z",
            "challenge": challenge,
            "scheduling": { "attempts": 1, "nextAttemptAt": null, "lastError": null },
            "updatedAt": "2026-04-08T10:00:00.000Z" });
        let providers = json!([
            { "providerId": "bankidse", "providerName": "BankID SE", "claimCount": stamps,
                "averageCompletionSeconds": 41.5 },
            { "providerId": "mitid", "providerName": "MitID", "claimCount": 0,
                "averageCompletionSeconds": null }]);
        let report = json!({ "challenge": challenge, "stats": { "totalParticipations": 5,
            "totalClaims": stamps, "providerBreakdown": providers } });
        Snapshot {
            test: serde_json::from_value(test).unwrap(),
            report: Some(serde_json::from_value(report).unwrap()),
        }
    }

    fn pending(last_error: Option<&str>) -> Snapshot {
        let mut snapshot = snapshot(0, None);
        snapshot.report = None;
        snapshot.test.challenge = None;
        snapshot.test.request.status = wire::production_test::RequestStatus::Pending;
        snapshot.test.scheduling.last_error = last_error.map(str::to_owned);
        snapshot
    }

    fn lines(snapshot: &Snapshot, width: usize) -> Vec<String> {
        snapshot.lines(NOW.parse().unwrap(), Terminal { width: Some(width), ..Terminal::PIPE })
    }

    #[test]
    fn a_terminal_shows_a_bar_the_time_left_and_a_line_for_each_provider() {
        let expected = [
            "BankID SE Test  open, 7 d 13 h left",
            "██████████████████████████████░░░░░░░░░░ 3 of 4 stamps, 5 participations",
            "  BankID SE  3, 41.5 s on average",
            "  MitID      0",
        ];
        assert_eq!(lines(&snapshot(3, None), 80), expected);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [10, 20, 36, 40, 80, 200] {
            for line in lines(&snapshot(3, None), width) {
                assert!(display_width(&line) < width.max(36), "{width}: {line}");
            }
        }
    }

    #[test]
    fn a_log_line_has_everything_that_changes() {
        let line = |snapshot: &Snapshot| snapshot.log_line(NOW.parse().unwrap());
        assert_eq!(
            line(&snapshot(3, None)),
            "open: 3 of 4 stamps, 5 participations (bankidse 3, mitid 0)"
        );
        assert_eq!(
            line(&snapshot(4, Some(NOW))),
            "complete: 4 of 4 stamps, 5 participations (bankidse 4, mitid 0)"
        );
        assert_eq!(line(&pending(None)), "pending");
        assert_eq!(line(&pending(Some("503\u{1b}"))), "pending: 503\u{fffd}");
    }

    #[test]
    fn only_a_test_that_is_over_has_an_exit_code() {
        use super::super::state::exit_code;

        let now = |text: &str| text.parse().unwrap();
        assert_eq!(exit_code(snapshot(3, None).state(now(NOW))), None);
        assert_eq!(exit_code(pending(None).state(now(NOW))), None);
        assert_eq!(snapshot(4, Some(NOW)).state(now(NOW)), TestState::Complete);
        let mut over = snapshot(3, None);
        over.test.challenge.as_mut().unwrap().is_active = false;
        assert_eq!(over.state(now(NOW)), TestState::Closed);
        assert_eq!(over.state(now("2026-04-15T23:59:59.000Z")), TestState::Expired);
    }
}
