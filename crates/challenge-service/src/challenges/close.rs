//! `POST /tpas/v1/challenges/{id}/close` (§10)

use axum::Json;
use axum::extract::State;
use domain::ChallengeId;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use wire::challenge::Challenge;
use wire::error::ErrorEnvelope;

use crate::service_caller::ServiceCaller;
use crate::{ChallengeService, NO_SUCH_CHALLENGE};

/// Close a challenge
///
/// Nobody can join or claim any more. One that is complete, over or closed already stays as it is.
#[utoipa::path(
    post,
    path = "/tpas/v1/challenges/{id}/close",
    operation_id = "closeChallenge",
    tag = "Challenge service",
    security(("service_token" = [])),
    params(("id" = String, Path, description = "The challenge's id", example = "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a")),
    responses(
        (status = 200, description = "The challenge as it is now", body = Challenge, headers(
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 401, description = "The token is missing or wrong", body = ErrorEnvelope),
        (status = 404, description = "There is no such challenge", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment", body = ErrorEnvelope),
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
