//! `fieldtest tests outcomes` (§8).

use wire::outcomes::{OutcomeRow, Outcomes};

use super::Session;
use super::duration::seconds_in_words;
use super::report::challenge_of;
use crate::failure::Failure;
use crate::table::{Table, printable};
use crate::terminal::Terminal;

pub(super) async fn run(session: &Session, id: &str) -> Result<(), Failure> {
    let deployment = &session.deployment;
    let (app, challenge_id) = challenge_of(session, id).await?;
    let outcomes = deployment
        .api
        .outcomes(&app, &challenge_id)
        .await
        .map_err(|error| deployment.explain(&error))?;
    session.print(&outcomes, |terminal| text(&outcomes, terminal))
}

fn text(outcomes: &Outcomes, terminal: Terminal) -> String {
    let funnel = &outcomes.funnel;
    let header = [
        "PROVIDER",
        "PLATFORM",
        "STAMPS",
        "FAILED",
        "MISSED",
        "DUPLICATE",
        "LAPSED",
        "STARTED",
        "HALF",
        "SLOWEST",
        "WHY IT FAILED",
    ];
    let rows = outcomes
        .outcomes
        .iter()
        .filter(|row| has_any(row))
        .fold(Table::new(header), |table, row| table.row(cells(row)));
    let mut text = format!(
        "joined {}, verification started {}, verified {}, stamps {}\n\n{}",
        funnel.joined,
        funnel.verification_started,
        funnel.verified,
        funnel.claimed,
        rows.fit(terminal, 0)
    );
    for said in outcomes.feedback.iter().filter_map(|feedback| feedback.text.as_ref()) {
        text.push_str(&format!("\n\"{}\"", printable(said)));
    }
    text
}

/// Whether anybody took part: rows of zeros would hide the others.
fn has_any(row: &OutcomeRow) -> bool {
    let OutcomeRow { claimed, failed, missed, duplicate, lapsed, started, .. } = row;
    claimed + failed + missed + duplicate + lapsed + started > 0
}

fn cells(row: &OutcomeRow) -> [String; 11] {
    let seconds = |of: fn(&wire::outcomes::CompletionSeconds) -> f64| {
        row.completion_seconds
            .as_ref()
            .map_or_else(|| "-".to_owned(), |it| seconds_in_words(of(it)))
    };
    let reasons: Vec<String> = row
        .failure_reasons
        .iter()
        .map(|it| {
            format!(
                "{} {}",
                domain::verification::FailureReason::from(it.reason).as_str(),
                it.count
            )
        })
        .collect();
    [
        row.provider_id.clone(),
        domain::Platform::from(row.platform).as_str().to_owned(),
        row.claimed.to_string(),
        row.failed.to_string(),
        row.missed.to_string(),
        row.duplicate.to_string(),
        row.lapsed.to_string(),
        row.started.to_string(),
        seconds(|it| it.p50),
        seconds(|it| it.max),
        reasons.join(", "),
    ]
}
