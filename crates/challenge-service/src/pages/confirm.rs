//! `POST /t/{challenge_id}/participations/{id}/confirmation`: whether a verification that came back in
//! another browser was one's own (§10, §14).

use axum::extract::{Request, State};
use axum::response::Response;
use domain::participation::Participation;
use domain::verification::{FailureReason, Outcome};
use http_support::body;
use http_support::error::ApiError;
use http_support::page::parts;
use http_support::path::PathParameters;
use maud::{Markup, html};
use store_challenge::{AnswerParked, ChallengeRecord, Parked};

use super::{check_same_site, find_participation, participation_path, see_other};
use crate::participations::browser::Browser;
use crate::service::ChallengeService;
use crate::verification;

pub(super) async fn answer(
    State(service): State<ChallengeService>,
    path: PathParameters,
    browser: Browser,
    request: Request,
) -> Result<Response, ApiError> {
    check_same_site(request.headers())?;
    let fields = body::form(&body::read(request, &()).await?)?;
    let (record, participation) = find_participation(&service, &path, &browser).await?;
    let is_yes = fields.iter().any(|(name, value)| name == "mine" && value == "yes");
    let challenge_id = record.challenge.id;
    let write = AnswerParked {
        challenge_id,
        participation_id: participation.id,
        browser_hash: service.parts.secrets.browser_hash(challenge_id, &browser.value),
        now: service.clock_and_rng().now(),
    };
    // The first answer counts.
    if let Some(subject) = service.store().answer_parked(write).await? {
        let outcome = if is_yes {
            Outcome::Completed { subject }
        } else {
            Outcome::Failed { reason: FailureReason::Other }
        };
        verification::finish(&service, participation.id, outcome).await?;
    }
    Ok(see_other(&participation_path(&participation)))
}

/// The question.
pub(super) fn question(
    service: &ChallengeService,
    record: &ChallengeRecord,
    participation: &Participation,
    parked: Parked,
) -> Markup {
    let provider = service.provider_name(participation.provider_id.as_str());
    let action = format!("{}/confirmation", participation_path(participation));
    html! {
        p.eyebrow { (provider) }
        h1 { "Was that you?" }
        p {
            "You began " strong { (record.payload.title) } " for " strong { (record.host.name) } " at "
            (parts::time_of_day(parked.started_at)) ", in another browser, and came back in this one."
        }
        p { "Say yes only if you began this test yourself." }
        form method="post" action=(action) {
            button.primary name="mine" value="yes" { "Yes, that was me" }
            button name="mine" value="no" { "No, it was not" }
        }
        p.hint { "If it was not you, nothing is counted, and nothing of you is kept." }
    }
}
