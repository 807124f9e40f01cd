//! `POST /tpas/v1/participations/{id}/feedback` (§10)

use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use domain::participation::{Participation, Status};
use http_support::body::JsonObject;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use serde_json::{Map, Value};
use store_challenge::GiveFeedback;
use wire::error::ErrorEnvelope;
use wire::feedback::{self as body, read_feedback};

use super::show::authorized;
use crate::service::ChallengeService;

/// Say how it went
///
/// Once, after the end of the participation. The bearer token is the participation's. The app's
/// engineers read it among the outcomes of their test.
#[utoipa::path(
    post,
    path = "/tpas/v1/participations/{id}/feedback",
    operation_id = "giveFeedback",
    tag = "Testers",
    security(("participation_token" = [])),
    params(
        ("id" = String, Path, description = "The participation's id",
            example = "par_019d6c8b-7b2a-7c44-9b2e-5d1f0a3c4e6b"),
    ),
    request_body(content = body::GiveFeedback, content_type = "application/json"),
    responses(
        (status = 204, description = "It is stored"),
        JsonObject, ServerErrors,
        (status = 401, body = ErrorEnvelope,
            description = "The token is missing or is not this participation's"),
        (status = 409, body = ErrorEnvelope,
            description = "The participation has not ended, or there is feedback already"),
    ),
)]
pub(crate) async fn give(
    State(service): State<ChallengeService>,
    path: PathParameters,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let participation = authorized(&service, &path, request.headers()).await?;
    let JsonObject(body) = JsonObject::from_request(request, &()).await?;
    store(&service, &participation, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Checks and stores what a tester says.
pub(crate) async fn store(
    service: &ChallengeService,
    participation: &Participation,
    body: &Map<String, Value>,
) -> Result<(), ApiError> {
    let (reasons, text) = read_feedback(body).map_err(ApiError::validation)?;
    let now = service.clock_and_rng().now();
    let status = participation.status_at(now);
    if status == Status::Started {
        let message = "This participation has not ended. Say how it went after its end.";
        return Err(ApiError::conflict(message));
    }
    let Participation { id, provider_id, platform, .. } = participation.clone();
    let feedback =
        domain::feedback::Feedback { provider_id, platform, status, reasons, text, at: now };
    if service.store().give_feedback(GiveFeedback { id, feedback }).await? {
        Ok(())
    } else {
        Err(ApiError::conflict("There is feedback on this participation already."))
    }
}
