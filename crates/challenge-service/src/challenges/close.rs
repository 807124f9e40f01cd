//! `POST /tpas/v1/challenges/{id}/close` (§10)

use axum::Json;
use axum::extract::State;
use domain::ChallengeId;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use wire::challenge::Challenge;

use crate::documentation::ChallengePath;
use crate::service::{ChallengeService, NO_SUCH_CHALLENGE};
use crate::service_caller::ServiceCaller;

/// Close a challenge
///
/// Testers can no longer join or claim a stamp. A challenge that is complete, over or closed stays
/// as it is.
#[utoipa::path(
    post,
    path = "/tpas/v1/challenges/{id}/close",
    operation_id = "closeChallenge",
    tag = "Challenge service",
    security(("service_token" = [])),
    params(ChallengePath),
    responses(
        (status = 200, description = "The challenge as it is now", body = Challenge),
        ServiceCaller, ChallengePath, ServerErrors,
    ),
)]
pub(crate) async fn close(
    State(service): State<ChallengeService>,
    _caller: ServiceCaller,
    path: PathParameters,
) -> Result<Json<Challenge>, ApiError> {
    let id: ChallengeId = path.parse("id", NO_SUCH_CHALLENGE)?;
    let record = service.close(id).await?.ok_or_else(|| ApiError::not_found(NO_SUCH_CHALLENGE))?;
    Ok(Json(Challenge::at(service.clock_and_rng().now(), &record.challenge)))
}
