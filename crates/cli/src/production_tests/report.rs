//! `fieldtest tests report` (§8).

use domain::{Clock, SystemClock, Timestamp};
use wire::outcomes::Outcomes;
use wire::report::Report;

use super::Session;
use super::duration::seconds_in_words;
use super::state::{TestState, style};
use crate::failure::Failure;
use crate::table::{Table, printable};
use crate::terminal::Terminal;

pub(super) async fn run(session: &Session, id: &str) -> Result<(), Failure> {
    let deployment = &session.deployment;
    let (app, challenge_id) = challenge_of(session, id).await?;
    let report = deployment
        .api
        .report(&app, &challenge_id)
        .await
        .map_err(|error| deployment.explain(&error))?;
    // Programs get the API's answer as it is; the rest is for people.
    if session.as_json {
        return session.print(&report, |_| String::new());
    }
    let (test, outcomes) = tokio::try_join!(
        deployment.api.production_test(&app, &challenge_id),
        deployment.api.outcomes(&app, &challenge_id),
    )
    .map_err(|error| deployment.explain(&error))?;
    let target = test.request.payload.max_stamp_claims;
    let counts = Counts::of(&outcomes);
    session.print(&report, |terminal| text(&report, target, &counts, SystemClock.now(), terminal))
}

/// How participations ended, over all providers and platforms.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    claimed: u64,
    failed: u64,
    missed: u64,
    duplicate: u64,
    lapsed: u64,
    started: u64,
}

impl Counts {
    fn of(outcomes: &Outcomes) -> Self {
        outcomes.outcomes.iter().fold(Self::default(), |sum, row| Self {
            claimed: sum.claimed + row.claimed,
            failed: sum.failed + row.failed,
            missed: sum.missed + row.missed,
            duplicate: sum.duplicate + row.duplicate,
            lapsed: sum.lapsed + row.lapsed,
            started: sum.started + row.started,
        })
    }

    /// In one line: `claimed 2, failed 1, missed 0, duplicate 0, lapsed 0, started 1`.
    fn text(&self) -> String {
        let Self { claimed, failed, missed, duplicate, lapsed, started } = self;
        format!(
            "claimed {claimed}, failed {failed}, missed {missed}, duplicate {duplicate}, \
             lapsed {lapsed}, started {started}"
        )
    }
}

/// The app, and the challenge that this id means.
pub(super) async fn challenge_of(session: &Session, id: &str) -> Result<(String, String), Failure> {
    let deployment = &session.deployment;
    let app = deployment.app().await?;
    // The API needs the challenge's id. Users often have the request's.
    let challenge_id = if id.starts_with("req_") {
        let test = deployment
            .api
            .production_test(&app, id)
            .await
            .map_err(|error| deployment.explain(&error))?;
        let state = TestState::of(&test, SystemClock.now());
        test.request.challenge_id.ok_or_else(|| {
            Failure::Other(format!(
                "{id} is {} and has no challenge yet, so it has no report",
                state.name()
            ))
        })?
    } else {
        id.to_owned()
    };
    Ok((app, challenge_id))
}

fn text(
    report: &Report,
    target: u32,
    counts: &Counts,
    now: Timestamp,
    terminal: Terminal,
) -> String {
    let Report { challenge, stats } = report;
    let state = TestState::of_challenge(challenge, now);
    let rows = stats.provider_breakdown.iter().fold(
        Table::new(["PROVIDER", "STAMPS", "ON AVERAGE"]),
        |table, row| {
            let average =
                row.average_completion_seconds.map_or_else(|| "-".to_owned(), seconds_in_words);
            table.row([row.provider_name.clone(), row.claim_count.to_string(), average])
        },
    );
    format!(
        "{}: {}\nstamps {} of {target}, participations {}\n{}\n\n{}",
        printable(&challenge.title),
        terminal.paint(style(state), state.name()),
        stats.total_claims,
        stats.total_participations,
        counts.text(),
        rows.fit(terminal, 0)
    )
}
