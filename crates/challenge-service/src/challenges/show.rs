//! `GET /tpas/v1/challenges/{id}` (§10)

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use domain::ChallengeId;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::page;
use http_support::path::PathParameters;
use wire::challenge::Challenge;

use crate::documentation::ChallengePath;
use crate::pages;
use crate::service::{ChallengeService, NO_SUCH_CHALLENGE};
use crate::service_caller::ServiceCaller;

/// Read a challenge
///
/// A browser that opens this address is led to the challenge's page, without a token.
#[utoipa::path(
    get,
    path = "/tpas/v1/challenges/{id}",
    operation_id = "readChallenge",
    tag = "Challenge service",
    security(("service_token" = [])),
    params(ChallengePath),
    responses(
        (status = 200, description = "The challenge", body = Challenge),
        ServiceCaller, ChallengePath, ServerErrors,
    ),
)]
pub(crate) async fn show(
    State(service): State<ChallengeService>,
    caller: Result<ServiceCaller, ApiError>,
    path: PathParameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if caller.is_err() && page::is_wanted(&headers) {
        let id: ChallengeId = path.parse("id", NO_SUCH_CHALLENGE)?;
        return Ok(pages::see_other(&pages::challenge_path(id)));
    }
    caller?;
    let id: ChallengeId = path.parse("id", NO_SUCH_CHALLENGE)?;
    let record = service
        .store()
        .challenge(id)
        .await?
        .ok_or_else(|| ApiError::not_found(NO_SUCH_CHALLENGE))?;
    Ok(Json(Challenge::at(service.clock_and_rng().now(), &record.challenge)).into_response())
}
