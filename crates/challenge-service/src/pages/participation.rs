//! `GET /t/{challenge_id}/participations/{id}`: what a tester has begun, and how it ended (§14).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::participation::{Participation, Status};
use http_support::error::ApiError;
use http_support::page::{Page, parts};
use http_support::path::PathParameters;
use maud::{Markup, html};
use serde_json::json;
use store_challenge::{ChallengeRecord, Parked};

use super::{challenge_path, confirm, feedback, find_participation, participation_path, texts};
use crate::origin::Origin;
use crate::participations::browser::Browser;
use crate::service::ChallengeService;

/// How often a page that waits is loaded again where scripts are off.
const REFRESH_SECONDS: u8 = 10;

pub(super) async fn show(
    State(service): State<ChallengeService>,
    path: PathParameters,
    browser: Browser,
    origin: Origin,
) -> Result<Response, ApiError> {
    let (record, participation) = find_participation(&service, &path, &browser).await?;
    let now = service.clock_and_rng().now();
    let provider = service.provider_name(participation.provider_id.as_str());
    let title = format!("{} · {provider}", record.payload.title);
    let parked = unanswered(&service, &participation, &browser).await?;
    let page = match (participation.status_at(now), parked) {
        (Status::Started, Some(parked)) => {
            Page::new(title, confirm::question(&service, &record, &participation, parked))
        }
        (Status::Started, None) => {
            let url = service.parts.verifiers.verification_url(
                &service.parts.secrets,
                &participation,
                &origin.0,
            );
            Page::new(title, waiting(&service, &record, &participation, &url))
                .with_refresh(REFRESH_SECONDS)
        }
        (status, _) => {
            let has_feedback =
                service.store().has_feedback(record.challenge.id, participation.id).await?;
            let question = if has_feedback {
                html! { p.hint { "Thank you for telling how it went." } }
            } else {
                feedback::form(&participation)
            };
            Page::new(title, ended(&service, &record, &participation, status, &question))
        }
    };
    Ok(page.into_response())
}

/// What this browser has brought back from the provider, and has not been asked about.
async fn unanswered(
    service: &ChallengeService,
    participation: &Participation,
    browser: &Browser,
) -> Result<Option<Parked>, ApiError> {
    let Participation { id, challenge_id, .. } = participation;
    let hash = service.parts.secrets.browser_hash(*challenge_id, &browser.value);
    let parked = service.store().parked(*challenge_id, *id, hash).await?;
    Ok(parked.filter(|parked| !parked.is_answered))
}

/// The state that a waiting page asks for: it loads itself again when the state has changed.
pub(super) async fn state(
    State(service): State<ChallengeService>,
    path: PathParameters,
    browser: Browser,
) -> Result<Response, ApiError> {
    let (_, participation) = find_participation(&service, &path, &browser).await?;
    let status = participation.status_at(service.clock_and_rng().now());
    Ok(Json(json!({ "state": status.as_str() })).into_response())
}

fn waiting(
    service: &ChallengeService,
    record: &ChallengeRecord,
    participation: &Participation,
    verification_url: &str,
) -> Markup {
    let provider = service.provider_name(participation.provider_id.as_str());
    let poll = format!("{}/state", participation_path(participation));
    let ending = record.challenge.ending_at(service.clock_and_rng().now());
    html! {
        p.eyebrow { (record.host.name) " · " (record.payload.title) }
        h1 { "Confirm who you are" }
        @if let Some(ending) = ending {
            (parts::notice(&format!(
                "{}. You can still confirm who you are, but it is not counted any more.",
                texts::over(ending).heading
            )))
        }
        p {
            "You go to " strong { (provider) } " now. Confirm there who you are, as usual. Then come back "
            "here: this page follows by itself."
        }
        a.button.primary href=(verification_url) { "Continue to " (provider) }
        p.waiting role="status" data-poll=(poll) data-state=(Status::Started.as_str()) {
            "Waiting for " (provider)
        }
        p.hint {
            "There is time until " (parts::time_of_day(participation.lapses_at)) ". "
            a href=(challenge_path(record.challenge.id)) { "Back to the test" }
        }
    }
}

fn ended(
    service: &ChallengeService,
    record: &ChallengeRecord,
    participation: &Participation,
    status: Status,
    question: &Markup,
) -> Markup {
    let now = service.clock_and_rng().now();
    let provider = service.provider_name(participation.provider_id.as_str());
    let outcome = texts::outcome(status, participation.failure_reason, record, now);
    let is_open = record.challenge.is_active_at(now);
    let can_try_again = is_open && matches!(status, Status::Failed | Status::Lapsed);
    let has_others = is_open && record.payload.provider_ids.len() > 1;
    let challenge = challenge_path(record.challenge.id);
    html! {
        (parts::mark(outcome.tone))
        p.eyebrow { (record.payload.title) " · " (provider) }
        h1 { (outcome.heading) }
        p { (outcome.text) }
        @if let Some(uri) = record.host.return_uris.after(status) {
            p { a.button.primary[status == Status::Claimed] href=(uri) { "Continue to " (record.host.name) } }
        }
        @if can_try_again {
            a.button.primary href=(challenge) { "Try again" }
        } @else if has_others {
            a.button href=(challenge) { "Take it with another eID" }
        } @else if !is_open && status != Status::Claimed {
            p.hint { "This test has ended. " a href="/t" { "See other open tests" } }
        }
        (question)
    }
}
