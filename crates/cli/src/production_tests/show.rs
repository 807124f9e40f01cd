//! `fieldtest tests show`, `cancel` and `retry` (§7).

use domain::{Clock, SystemClock, Timestamp};
use wire::production_test::{Platform, ProductionTest};

use super::duration::in_words;
use super::state::{TestState, style};
use super::{Session, tester_link};
use crate::failure::Failure;
use crate::table::printable;
use crate::terminal::{Style, Terminal};

pub(super) async fn run(session: &Session, id: &str) -> Result<(), Failure> {
    let deployment = &session.deployment;
    let test = deployment.api.production_test(&deployment.app().await?, id).await;
    print(session, &test.map_err(|error| deployment.explain(&error))?)
}

pub(super) async fn cancel(session: &Session, id: &str) -> Result<(), Failure> {
    let deployment = &session.deployment;
    let test = deployment.api.cancel_production_test(&deployment.app().await?, id).await;
    print(session, &test.map_err(|error| deployment.explain(&error))?)
}

pub(super) async fn retry(session: &Session, id: &str) -> Result<(), Failure> {
    let deployment = &session.deployment;
    let test = deployment.api.retry_production_test(&deployment.app().await?, id).await;
    print(session, &test.map_err(|error| deployment.explain(&error))?)
}

/// Prints a test and, while testers can take it, the link to share.
pub(super) fn print(session: &Session, test: &ProductionTest) -> Result<(), Failure> {
    session.print(test, |terminal| {
        let mut text = text(test, SystemClock.now(), terminal);
        let is_open = |it: &&wire::challenge::Challenge| it.is_active;
        if let Some(challenge) = test.challenge.as_ref().filter(is_open) {
            text.push_str(&tester_link::text(&session.deployment.url, &challenge.id, terminal));
        }
        text
    })
}

/// A line for each property of a test that has a value.
fn text(test: &ProductionTest, now: Timestamp, terminal: Terminal) -> String {
    let ProductionTest { request, challenge, scheduling, updated_at: _ } = test;
    let payload = &request.payload;
    let state = TestState::of(test, now);
    let platform = match payload.target_platform {
        None => "iOS and Android",
        Some(Platform::Ios) => "iOS",
        Some(Platform::Android) => "Android",
    };
    let ends = challenge.as_ref().map(|challenge| match state {
        TestState::Open => {
            format!("{}, in {}", challenge.expires_at, in_words(challenge.expires_at.0.since(now)))
        }
        _ => challenge.expires_at.to_string(),
    });
    let duplicates = payload
        .allow_duplicate_participation
        .unwrap_or(false)
        .then(|| "a person may take part again".to_owned());
    let lines = [
        ("Title", Some(payload.title.clone())),
        ("Description", payload.description.clone()),
        ("State", Some(state.name().to_owned())),
        ("Request", Some(request.id.clone())),
        ("Challenge", request.challenge_id.clone()),
        ("Providers", Some(payload.provider_ids.join(", "))),
        ("Platform", Some(platform.to_owned())),
        ("Stamps", Some(payload.max_stamp_claims.to_string())),
        ("Duplicates", duplicates),
        ("Ordered", Some(request.created_at.to_string())),
        (
            "Completed",
            challenge
                .as_ref()
                .and_then(|challenge| challenge.completed_at)
                .map(|time| time.to_string()),
        ),
        ("Ends", ends),
        ("Attempts", (scheduling.attempts > 0).then(|| scheduling.attempts.to_string())),
        ("Next attempt", scheduling.next_attempt_at.map(|time| time.to_string())),
        ("Last error", scheduling.last_error.clone()),
    ];
    let lines = lines.into_iter().filter_map(|(name, value)| Some((name, printable(&value?))));
    lines
        .map(|(name, value)| {
            let value = if name == "State" { terminal.paint(style(state), &value) } else { value };
            format!("{}{value}\n", terminal.paint(Style::Dim, &format!("{name:<14}")))
        })
        .collect()
}
