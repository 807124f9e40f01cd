//! `GET /tpas/v1/challenges/{id}/report` (§8, §10)

use axum::Json;
use axum::extract::State;
use domain::ChallengeId;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use wire::report::Report;

use crate::documentation::ChallengePath;
use crate::service::{ChallengeService, NO_SUCH_CHALLENGE};
use crate::service_caller::ServiceCaller;

/// Read a challenge's report
///
/// The numbers at this moment, also while the challenge is open.
#[utoipa::path(
    get,
    path = "/tpas/v1/challenges/{id}/report",
    operation_id = "readChallengeReport",
    tag = "Challenge service",
    security(("service_token" = [])),
    params(ChallengePath),
    responses(
        (status = 200, description = "The report", body = Report),
        ServiceCaller, ChallengePath, ServerErrors,
    ),
)]
pub(crate) async fn report(
    State(service): State<ChallengeService>,
    _caller: ServiceCaller,
    path: PathParameters,
) -> Result<Json<Report>, ApiError> {
    let id: ChallengeId = path.parse("id", NO_SUCH_CHALLENGE)?;
    service.report(id).await?.map(Json).ok_or_else(|| ApiError::not_found(NO_SUCH_CHALLENGE))
}
