//! `GET /tpas/v1/challenges/{id}/outcomes` (§8, §10)

use axum::Json;
use axum::extract::State;
use domain::ChallengeId;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use wire::outcomes::Outcomes;

use crate::documentation::ChallengePath;
use crate::service::{ChallengeService, NO_SUCH_CHALLENGE};
use crate::service_caller::ServiceCaller;

/// Read a challenge's outcomes
///
/// How far testers came, and how it ended. No person can be recognised in them.
#[utoipa::path(
    get,
    path = "/tpas/v1/challenges/{id}/outcomes",
    operation_id = "readChallengeOutcomes",
    tag = "Challenge service",
    security(("service_token" = [])),
    params(ChallengePath),
    responses(
        (status = 200, description = "The outcomes", body = Outcomes),
        ServiceCaller, ChallengePath, ServerErrors,
    ),
)]
pub(crate) async fn outcomes(
    State(service): State<ChallengeService>,
    _caller: ServiceCaller,
    path: PathParameters,
) -> Result<Json<Outcomes>, ApiError> {
    let id: ChallengeId = path.parse("id", NO_SUCH_CHALLENGE)?;
    service.outcomes(id).await?.map(Json).ok_or_else(|| ApiError::not_found(NO_SUCH_CHALLENGE))
}
