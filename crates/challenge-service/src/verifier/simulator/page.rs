//! `GET /tpas/v1/simulator/{participation_id}`: the simulator's page (§10)

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::participation::{Participation, Status};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::page::{Page, parts};
use http_support::path::PathParameters;
use http_support::query::QueryParameters;
use maud::{Markup, html};
use store_challenge::ChallengeRecord;

use super::find;
use crate::documentation::SimulatorPath;
use crate::pages;
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
    service.start_verification(participation.id).await?;
    render(&service, &participation, None).await
}

/// The page: a question while the participation is undecided, its outcome afterwards. `problem`
/// says what was wrong with the answer.
pub(super) async fn render(
    service: &ChallengeService,
    participation: &Participation,
    problem: Option<&str>,
) -> Result<Response, ApiError> {
    let record = service.store().challenge(participation.challenge_id).await?;
    let record =
        record.ok_or_else(|| ApiError::internal("a participation without its challenge"))?;
    let now = service.clock_and_rng().now();
    let provider = service.provider_name(participation.provider_id.as_str());
    let main = match participation.status_at(now) {
        Status::Started => question(provider, &record, participation, problem),
        status => {
            let outcome = pages::outcome(status, participation.failure_reason, &record, now);
            html! {
                (parts::mark(outcome.tone))
                p.eyebrow { (record.payload.title) " · " (provider) }
                h1 { (outcome.heading) }
                p { (outcome.text) }
                p.hint { a href=(pages::challenge_path(record.challenge.id)) { "To the test" } }
            }
        }
    };
    let page = Page::new(format!("{provider} simulator"), main);
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(page.with_status(status).into_response())
}

fn question(
    provider: &str,
    record: &ChallengeRecord,
    participation: &Participation,
    problem: Option<&str>,
) -> Markup {
    html! {
        p.eyebrow { "Sandbox simulator" }
        h1 { (provider) }
        @if let Some(problem) = problem { (parts::problem(problem)) }
        p {
            (record.host.name) " asks you to confirm who you are, for "
            strong { (record.payload.title) } "."
        }
        form method="post" {
            label for="subject" { "Who are you?" }
            input #subject type="text" name="subject" value=(suggestion(participation)) required
                maxlength="255" autocomplete="off" autocapitalize="words"
                aria-describedby="subject-hint";
            p.hint #subject-hint {
                "Any text. The same text is the same person, and each person gets one stamp."
            }
            button.primary name="outcome" value="completed" { "Confirm my identity" }
            button name="outcome" value="cancelled" formnovalidate { "Cancel" }
            button name="outcome" value="failed" formnovalidate { "Fail the verification" }
        }
        p.hint {
            "This is a sandbox: the page stands in for " (provider) ", and no person is verified. "
            "Your text is not stored."
        }
    }
}

/// A name that no other participation suggests, so that two testers who keep it are two persons.
fn suggestion(participation: &Participation) -> String {
    let id = hex::encode(participation.id.as_bytes());
    format!("Test Person {}", id.get(26..).unwrap_or_default().to_uppercase())
}
