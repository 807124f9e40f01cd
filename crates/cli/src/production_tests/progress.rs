//! What somebody who watches a production test is shown.

use domain::Timestamp;
use wire::production_test::ProductionTest;
use wire::report::{ProviderRow, Report};

use super::duration::{in_words, seconds_in_words};
use super::stage::Stage;
use crate::table::printable;
use crate::terminal::{Terminal, Tone, columns, shortened};

/// How wide a bar is at most.
const LONGEST_BAR: usize = 40;

/// A shorter one would say nothing.
const SHORTEST_BAR: usize = 4;

/// One look at a production test.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Look {
    pub(super) test: ProductionTest,
    /// None until it is scheduled.
    pub(super) report: Option<Report>,
}

impl Look {
    pub(super) fn stage(&self, now: Timestamp) -> Stage {
        Stage::of(&self.test, now)
    }

    /// The lines of a picture that is painted anew at each look. None is longer than the terminal
    /// is wide.
    pub(super) fn picture(&self, now: Timestamp, terminal: Terminal) -> Vec<String> {
        let width = terminal.width.unwrap_or(80).saturating_sub(1);
        let stage = self.stage(now);
        let title = printable(&self.test.request.payload.title);
        let rest = self.rest(stage, now);
        let room = width.saturating_sub(columns(stage.name()) + columns(&rest) + 2);
        let head =
            format!("{}  {}", shortened(&title, room), terminal.paint(stage.tone(), stage.name()));
        let mut lines = vec![format!("{head}{rest}")];
        if let Some(report) = &self.report {
            lines.push(self.bar(report, width, terminal));
            lines.extend(rows(report, width));
        }
        lines
    }

    /// One line for a log: everything that changes.
    pub(super) fn line(&self, now: Timestamp) -> String {
        let stage = self.stage(now);
        let Some(report) = &self.report else {
            return format!("{}{}", stage.name(), self.rest(stage, now));
        };
        let providers: Vec<String> = report
            .stats
            .provider_breakdown
            .iter()
            .map(|row| format!("{} {}", printable(&row.provider_id), row.claim_count))
            .collect();
        format!("{}: {} ({})", stage.name(), self.counts(report), providers.join(", "))
    }

    /// What matters besides the stage: the time that is left, or why it waits.
    fn rest(&self, stage: Stage, now: Timestamp) -> String {
        let left = |end: Timestamp| in_words(end.since(now));
        match (&self.test.challenge, stage) {
            (Some(challenge), Stage::Open) => format!(", {} left", left(challenge.expires_at.0)),
            (None, Stage::Pending | Stage::Failed) => {
                let error = self.test.scheduling.last_error.as_deref();
                error
                    .map(|error| format!(": {}", shortened(&printable(error), 60)))
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
        let length = width.saturating_sub(columns(&counts) + 1).min(LONGEST_BAR);
        let limit = u64::from(self.test.request.payload.max_stamp_claims).max(1);
        let granted = report.stats.total_claims.min(limit);
        let full =
            usize::try_from(granted * u64::try_from(length).unwrap_or(0) / limit).unwrap_or(0);
        if length < SHORTEST_BAR {
            return shortened(&counts, width);
        }
        format!(
            "{}{} {counts}",
            terminal.paint(Tone::Good, &"█".repeat(full)),
            "░".repeat(length.saturating_sub(full))
        )
    }
}

/// A line for each provider, in columns.
fn rows(report: &Report, width: usize) -> Vec<String> {
    let rows = &report.stats.provider_breakdown;
    let name = |row: &ProviderRow| printable(&row.provider_name);
    let widest = rows.iter().map(|row| columns(&name(row))).max().unwrap_or(0);
    let line = |row: &ProviderRow| {
        let name = name(row);
        let padding = " ".repeat(widest.saturating_sub(columns(&name)));
        let average = row
            .average_completion_seconds
            .map(|seconds| format!(", {} on average", seconds_in_words(seconds)));
        shortened(
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

    fn look(stamps: u64, completed_at: Option<&str>) -> Look {
        let challenge = json!({ "id": "ch_1", "title": "BankID SE Test", "description": null,
            "expiresAt": "2026-04-15T23:59:59.000Z", "createdAt": "2026-04-08T10:00:00.000Z", "completedAt": completed_at,
            "isActive": completed_at.is_none(), "challengeMode": "stamp", "sponsor": null, "sources": null });
        let test = json!({ "id": "req_1", "clientId": "FK5b0KSM", "status": "scheduled",
            "payload": { "title": "BankID SE Test", "providerIds": ["bankidse", "mitid"], "maxStampClaims": 4,
                "targetPlatform": null },
            "challengeId": "ch_1", "createdAt": "2026-04-08T10:00:00.000Z", "challenge": challenge,
            "scheduling": { "attempts": 1, "nextAttemptAt": null, "lastError": null },
            "updatedAt": "2026-04-08T10:00:00.000Z" });
        let report = json!({ "challenge": challenge, "stats": { "totalParticipations": 5, "totalClaims": stamps,
            "providerBreakdown": [
                { "providerId": "bankidse", "providerName": "BankID SE", "claimCount": stamps,
                    "averageCompletionSeconds": 41.5 },
                { "providerId": "mitid", "providerName": "MitID", "claimCount": 0, "averageCompletionSeconds": null }] } });
        Look {
            test: serde_json::from_value(test).unwrap(),
            report: Some(serde_json::from_value(report).unwrap()),
        }
    }

    fn pending(last_error: Option<&str>) -> Look {
        let mut look = look(0, None);
        look.report = None;
        look.test.challenge = None;
        look.test.request.status = wire::production_test::RequestStatus::Pending;
        look.test.scheduling.last_error = last_error.map(str::to_owned);
        look
    }

    fn picture(look: &Look, width: usize) -> Vec<String> {
        look.picture(NOW.parse().unwrap(), Terminal { width: Some(width), ..Terminal::NONE })
    }

    #[test]
    fn a_picture_has_a_bar_the_time_left_and_a_line_for_each_provider() {
        let expected = [
            "BankID SE Test  open, 7 d 13 h left",
            "██████████████████████████████░░░░░░░░░░ 3 of 4 stamps, 5 participations",
            "  BankID SE  3, 41.5 s on average",
            "  MitID      0",
        ];
        assert_eq!(picture(&look(3, None), 80), expected);
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_is_wide() {
        for width in [10, 20, 36, 40, 80, 200] {
            for line in picture(&look(3, None), width) {
                assert!(columns(&line) < width.max(36), "{width}: {line}");
            }
        }
    }

    #[test]
    fn a_line_for_a_log_says_all_that_changes() {
        let line = |look: &Look| look.line(NOW.parse().unwrap());
        assert_eq!(
            line(&look(3, None)),
            "open: 3 of 4 stamps, 5 participations (bankidse 3, mitid 0)"
        );
        assert_eq!(
            line(&look(4, Some(NOW))),
            "complete: 4 of 4 stamps, 5 participations (bankidse 4, mitid 0)"
        );
        assert_eq!(line(&pending(None)), "pending");
        assert_eq!(line(&pending(Some("503\u{1b}"))), "pending: 503\u{fffd}");
    }

    #[test]
    fn a_watch_ends_when_there_is_nothing_more_to_see() {
        let now = |text: &str| text.parse().unwrap();
        assert_eq!(look(3, None).stage(now(NOW)).exit_code(), None);
        assert_eq!(pending(None).stage(now(NOW)).exit_code(), None);
        assert_eq!(look(4, Some(NOW)).stage(now(NOW)), Stage::Complete);
        let mut over = look(3, None);
        over.test.challenge.as_mut().unwrap().is_active = false;
        assert_eq!(over.stage(now(NOW)), Stage::Closed);
        assert_eq!(over.stage(now("2026-04-15T23:59:59.000Z")), Stage::Expired);
    }
}
