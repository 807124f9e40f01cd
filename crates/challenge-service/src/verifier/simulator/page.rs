//! `GET /tpas/v1/simulator/{participation_id}`: the simulator's page (§10)

use axum::extract::State;
use axum::response::Response;
use domain::participation::{Participation, Status};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::page;
use http_support::path::PathParameters;
use http_support::query::QueryParameters;
use maud::{Markup, html};
use store_challenge::ChallengeRecord;

use super::find;
use crate::documentation::SimulatorPath;
use crate::service::ChallengeService;

/// The simulator's page
///
/// In a sandbox the tester plays the person that is verified.
#[utoipa::path(
    get,
    path = "/tpas/v1/simulator/{participation_id}",
    operation_id = "showSimulator",
    tag = "Sandbox simulator",
    params(
        SimulatorPath,
        ("code" = String, Query, description = "The code of the verificationUrl"),
    ),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        SimulatorPath, QueryParameters, ServerErrors,
    ),
)]
pub(crate) async fn show(
    State(service): State<ChallengeService>,
    path: PathParameters,
    mut query: QueryParameters,
) -> Result<Response, ApiError> {
    let participation = find(&service, &path, &mut query).await?;
    render(&service, &participation).await
}

/// The page: a question while the participation is undecided, its outcome afterwards.
pub(super) async fn render(
    service: &ChallengeService,
    participation: &Participation,
) -> Result<Response, ApiError> {
    let record = service.store().challenge(participation.challenge_id).await?;
    let record =
        record.ok_or_else(|| ApiError::internal("a participation without its challenge"))?;
    let provider = service.provider_name(participation.provider_id.as_str());
    let main = match participation.status_at(service.clock_and_rng().now()) {
        Status::Started => question(provider, &record),
        status => outcome(status, provider, &record),
    };
    Ok(page::respond(&format!("{provider} simulator"), &main))
}

fn question(provider: &str, record: &ChallengeRecord) -> Markup {
    html! {
        p.eyebrow { "Sandbox simulator" }
        h1 { (provider) }
        p {
            (record.host_name) " asks you to confirm who you are, for "
            strong { (record.payload.title) } "."
        }
        form method="post" {
            label for="subject" { "Who are you?" }
            input #subject name="subject" value="Test Person" required maxlength="255"
                autocomplete="off" autocapitalize="words";
            p.hint { "Any text. The same text is the same person." }
            button.primary name="outcome" value="completed" { "Confirm my identity" }
            button name="outcome" value="failed" formnovalidate { "Fail the verification" }
        }
        p.hint {
            "This is a sandbox: the page stands in for " (provider) ", and no person is verified. "
            "Your text is not stored."
        }
    }
}

fn outcome(status: Status, provider: &str, record: &ChallengeRecord) -> Markup {
    let (mark, heading, text) = match status {
        Status::Claimed => ("✓", "You got a stamp", "Thank you: your test counts."),
        Status::Failed => (
            "✕",
            "Not verified",
            "The verification failed, so there is no stamp. You can join again.",
        ),
        Status::Missed => (
            "○",
            "Verified, but too late",
            "The last stamp was granted before yours. Thank you all the same.",
        ),
        Status::Duplicate => {
            ("○", "You have a stamp already", "Each person gets one stamp per provider.")
        }
        Status::Lapsed | Status::Started => {
            ("○", "Time is up", "There was no outcome within 15 minutes. You can join again.")
        }
    };
    let class = if status == Status::Claimed { "mark good" } else { "mark" };
    html! {
        p class=(class) aria-hidden="true" { (mark) }
        h1 { (heading) }
        p { (text) }
        p.hint { (record.payload.title) " · " (provider) " · " (record.host_name) }
    }
}
