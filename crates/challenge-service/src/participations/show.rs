//! `GET /tpas/v1/participations/{id}` (§10)

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use domain::ParticipationId;
use http_support::bearer;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use wire::error::ErrorEnvelope;
use wire::participation::Participation;

use crate::origin::Origin;
use crate::service::ChallengeService;

/// Follow a participation
///
/// The bearer token is the participation's. An unknown id and a wrong token have the same answer.
#[utoipa::path(
    get,
    path = "/tpas/v1/participations/{id}",
    operation_id = "readParticipation",
    tag = "Testers",
    security(("participation_token" = [])),
    params(
        ("id" = String, Path, description = "The participation's id",
            example = "par_019d6c8b-7b2a-7c44-9b2e-5d1f0a3c4e6b"),
    ),
    responses(
        (status = 200, description = "The participation", body = Participation),
        ServerErrors,
        (status = 401, body = ErrorEnvelope,
            description = "The token is missing or is not this participation's"),
    ),
)]
pub(crate) async fn show(
    State(service): State<ChallengeService>,
    path: PathParameters,
    origin: Origin,
    headers: HeaderMap,
) -> Result<Json<Participation>, ApiError> {
    let participation = authorized(&service, &path, &headers).await?;
    let verification_url =
        service.parts.verifiers.verification_url(&service.parts.secrets, &participation, &origin.0);
    Ok(Json(Participation::at(service.clock_and_rng().now(), &participation, verification_url)))
}

/// The participation in the path, for the bearer of its token.
pub(super) async fn authorized(
    service: &ChallengeService,
    path: &PathParameters,
    headers: &HeaderMap,
) -> Result<domain::participation::Participation, ApiError> {
    let token = bearer::token(headers).ok_or_else(ApiError::invalid_credentials)?;
    let id: ParticipationId = path.parse("id", "").map_err(|_| ApiError::invalid_credentials())?;
    if !service.parts.secrets.is_participation_token(id, token) {
        return Err(ApiError::invalid_credentials());
    }
    service.store().participation(id).await?.ok_or_else(ApiError::invalid_credentials)
}
