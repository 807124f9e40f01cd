//! The testers' pages below `/t` (§14): the link that people share, and what QR codes hold.
//!
//! Each page is rendered here and works without scripts. They use the same units of work and checks
//! as the testers' API. `texts` has what they say.

mod challenge;
mod confirm;
mod device;
mod feedback;
mod join;
mod open;
mod participation;
mod texts;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::participation::Participation;
use domain::{ChallengeId, ParticipationId};
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_challenge::ChallengeRecord;

pub use self::open::open_tests;
pub(crate) use self::texts::outcome;

use crate::participations::browser::Browser;
use crate::service::ChallengeService;

const NO_SUCH_TEST: &str =
    "There is no test at this link. Ask whoever gave it to you for a new one.";
const NO_SUCH_PARTICIPATION: &str = "This part of the test began in another browser, or this browser \
                                     does not keep cookies. Open the test again with the link that \
                                     you got.";

/// The routes of the testers' pages.
pub(crate) fn routes() -> Router<ChallengeService> {
    Router::new()
        .route("/t", get(open::show))
        .route("/t/{challenge_id}", get(challenge::show))
        .route("/t/{challenge_id}/participations", post(join::join))
        .route("/t/{challenge_id}/participations/{id}", get(participation::show))
        .route("/t/{challenge_id}/participations/{id}/state", get(participation::state))
        .route("/t/{challenge_id}/participations/{id}/feedback", post(feedback::give))
        .route("/t/{challenge_id}/participations/{id}/confirmation", post(confirm::answer))
}

/// The path of a challenge's page.
pub(crate) fn challenge_path(id: ChallengeId) -> String {
    format!("/t/{id}")
}

/// The path of a participation's page.
pub(crate) fn participation_path(participation: &Participation) -> String {
    let Participation { id, challenge_id, .. } = participation;
    format!("/t/{challenge_id}/participations/{id}")
}

/// The challenge in the path.
async fn find_challenge(
    service: &ChallengeService,
    path: &PathParameters,
) -> Result<ChallengeRecord, ApiError> {
    let id: ChallengeId = path.parse("challenge_id", NO_SUCH_TEST)?;
    service.store().challenge(id).await?.ok_or_else(|| ApiError::not_found(NO_SUCH_TEST))
}

/// The participation in the path, if it began in this browser, or if this browser came back from
/// its provider.
async fn find_participation(
    service: &ChallengeService,
    path: &PathParameters,
    browser: &Browser,
) -> Result<(ChallengeRecord, Participation), ApiError> {
    let not_found = || ApiError::not_found(NO_SUCH_PARTICIPATION);
    let record = find_challenge(service, path).await?;
    let id: ParticipationId = path.parse("id", NO_SUCH_PARTICIPATION)?;
    let participation = service.store().participation(id).await?.ok_or_else(not_found)?;
    let hash = service.parts.secrets.browser_hash(record.challenge.id, &browser.value);
    let is_visible = service.store().participation_in_browser(id, hash).await?.is_some()
        || service.store().parked(record.challenge.id, id, hash).await?.is_some();
    if is_visible && participation.challenge_id == record.challenge.id {
        Ok((record, participation))
    } else {
        Err(not_found())
    }
}

/// Goes on to another page after a form, so that loading that page again does not send the form
/// again.
pub(crate) fn see_other(path: &str) -> Response {
    // Paths consist of our own ids, which are ASCII.
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/t"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// Refuses a form that a page of another site has sent.
fn check_same_site(headers: &HeaderMap) -> Result<(), ApiError> {
    let sender = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    match sender {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) => Err(ApiError::forbidden(
            "This form was sent by another site. Open the test with its own link, and begin there.",
        )),
    }
}
