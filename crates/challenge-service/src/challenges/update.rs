//! `PATCH /tpas/v1/challenges/{id}` (§7, §10)

use axum::Json;
use axum::extract::State;
use domain::ChallengeId;
use http_support::body::JsonObject;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use wire::challenge::Challenge;
use wire::error::ErrorEnvelope;
use wire::production_test::{UpdateProductionTest, read_update};

use crate::documentation::ChallengePath;
use crate::service::{ChallengeService, NO_SUCH_CHALLENGE};
use crate::service_caller::ServiceCaller;

/// Give a challenge more room and more time
///
/// The limit of stamps can grow, and the end can move. A complete challenge whose limit grows is
/// open again until it expires. Members that are left out stay as they are. Idempotent.
#[utoipa::path(
    patch,
    path = "/tpas/v1/challenges/{id}",
    operation_id = "updateChallenge",
    tag = "Challenge service",
    security(("service_token" = [])),
    params(ChallengePath),
    request_body(content = UpdateProductionTest, content_type = "application/json"),
    responses(
        (status = 200, description = "The challenge as it is now", body = Challenge),
        ServiceCaller, ChallengePath, JsonObject, ServerErrors,
        (status = 409, body = ErrorEnvelope,
            description = "It has ended, the limit would shrink, or the end is out of range"),
    ),
)]
pub(crate) async fn update(
    State(service): State<ChallengeService>,
    _caller: ServiceCaller,
    path: PathParameters,
    JsonObject(body): JsonObject,
) -> Result<Json<Challenge>, ApiError> {
    let id: ChallengeId = path.parse("id", NO_SUCH_CHALLENGE)?;
    let update = read_update(&body).map_err(ApiError::validation)?;
    let record = service
        .update(id, update)
        .await?
        .ok_or_else(|| ApiError::not_found(NO_SUCH_CHALLENGE))?
        .map_err(|refusal| ApiError::conflict(refusal.to_string()))?;
    Ok(Json(Challenge::at(service.clock_and_rng().now(), &record.challenge)))
}
