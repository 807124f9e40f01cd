//! Why a test went as it did: the funnel, outcomes, reasons, times and feedback (§8).

use http_support::page::parts;
use maud::{Markup, html};
use serde::Serialize;
use wire::outcomes::{Feedback, OutcomeRow, Outcomes, Step};

use super::charts;

/// A member of the API as people read it: `cancelled_by_tester` is "cancelled by tester".
fn words(value: impl Serialize) -> String {
    let text = serde_json::to_value(value).ok();
    let text = text.as_ref().and_then(|value| value.as_str()).unwrap_or("–");
    match text {
        "ios" => "iOS".into(),
        "android" => "Android".into(),
        text => text.replace('_', " "),
    }
}

/// All of it.
pub(super) fn show(outcomes: &Outcomes) -> Markup {
    html! {
        div.split {
            section {
                h2 { "How far testers came" }
                (charts::funnel(&outcomes.funnel))
            }
            section {
                h2 { "When" }
                (charts::timeline(&outcomes.timeline))
                (steps(&outcomes.timeline))
            }
        }
        h2 { "Outcomes" }
        (rows(&outcomes.outcomes))
        (reasons(&outcomes.outcomes))
        (feedback(&outcomes.feedback))
    }
}

fn rows(rows: &[OutcomeRow]) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                caption { "By provider and platform" }
                thead { tr {
                    th scope="col" { "Provider" }
                    @for name in ["Stamps", "Failed", "Missed", "Duplicate", "Lapsed", "Under way",
                        "p50", "p90", "Slowest"] {
                        th.number scope="col" { (name) }
                    }
                } }
                tbody { @for row in rows { (outcome(row)) } }
            }
        }
    }
}

fn outcome(row: &OutcomeRow) -> Markup {
    let times = row.completion_seconds.as_ref().map(|it| [it.p50, it.p90, it.max]);
    html! {
        tr {
            th scope="row" { (row.provider_id) ", " (words(row.platform)) }
            @for number in [row.claimed, row.failed, row.missed, row.duplicate, row.lapsed,
                row.started] {
                td.number { (number) }
            }
            @for index in 0..3 {
                td.number {
                    @match times.and_then(|times| times.get(index).copied()) {
                        Some(seconds) => { (format!("{seconds:.1} s")) }
                        None => "–",
                    }
                }
            }
        }
    }
}

fn reasons(rows: &[OutcomeRow]) -> Markup {
    let all = rows.iter().flat_map(|row| row.failure_reasons.iter().map(move |it| (row, it)));
    let all: Vec<_> = all.collect();
    html! {
        @if !all.is_empty() {
            h2 { "Why verifications failed" }
            ul {
                @for (row, it) in all {
                    li {
                        (it.count) " × " (words(it.reason)) " (" (row.provider_id) ", "
                        (words(row.platform)) ")"
                    }
                }
            }
        }
    }
}

fn feedback(feedback: &[Feedback]) -> Markup {
    html! {
        @if !feedback.is_empty() {
            h2 { "What testers say" }
            ul {
                @for it in feedback {
                    li {
                        @if let Some(text) = &it.text { "“" (text) "” " }
                        @for reason in &it.reasons { (words(reason)) ", " }
                        span.hint {
                            (it.provider_id) ", " (words(it.platform)) ", " (words(it.status)) ", "
                            (parts::moment(it.at.0))
                        }
                    }
                }
            }
        }
    }
}

fn steps(steps: &[Step]) -> Markup {
    let busy: Vec<&Step> = steps.iter().filter(|it| it.joined > 0 || it.claimed > 0).collect();
    html! {
        @if !busy.is_empty() {
            details {
                summary { "The figures" }
                table {
                    thead { tr {
                        th scope="col" { "From" } th.number scope="col" { "Joined" }
                        th.number scope="col" { "Stamped" }
                    } }
                    tbody {
                        @for step in busy {
                            tr {
                                th scope="row" { (parts::moment(step.at.0)) }
                                td.number { (step.joined) } td.number { (step.claimed) }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_the_api_are_words() {
        assert_eq!(words(wire::production_test::Platform::Ios), "iOS");
        assert_eq!(words(wire::feedback::FeedbackReason::AppDidNotOpen), "app did not open");
    }
}
