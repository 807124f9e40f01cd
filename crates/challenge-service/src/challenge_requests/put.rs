//! `PUT /tpas/v1/challenge-requests/{request_id}` (§10)

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::RequestId;
use http_support::body::JsonObject;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use wire::challenge::Challenge;
use wire::challenge_service::{ScheduleChallenge, read_schedule};
use wire::error::ErrorEnvelope;

use crate::service::ChallengeService;
use crate::service_caller::ServiceCaller;

/// Create the challenge of a request
///
/// Each request has one challenge. The first call creates it, and each repetition answers its
/// current state.
#[utoipa::path(
    put,
    path = "/tpas/v1/challenge-requests/{request_id}",
    operation_id = "scheduleChallenge",
    tag = "Challenge service",
    security(("service_token" = [])),
    params(
        ("request_id" = String, Path, description = "The request's id",
            example = "req_7f3a9c1e-4b2d-4f88-9e1a-0c3d5b6e7f8a"),
    ),
    request_body(content = ScheduleChallenge, content_type = "application/json"),
    responses(
        (status = 201, description = "The challenge was created", body = Challenge),
        (status = 200, description = "The challenge exists already", body = Challenge),
        ServiceCaller, JsonObject, ServerErrors,
        (status = 404, description = "The path contains no request id", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn put(
    State(service): State<ChallengeService>,
    _caller: ServiceCaller,
    path: PathParameters,
    JsonObject(body): JsonObject,
) -> Result<(StatusCode, Json<Challenge>), ApiError> {
    let request_id: RequestId =
        path.parse("request_id", "The path must name a challenge request: req_ and a UUID.")?;
    let (payload, host) = read_schedule(&body).map_err(ApiError::validation)?;
    let (record, is_new) = service.schedule(request_id, payload, host).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Challenge::at(service.clock_and_rng().now(), &record.challenge))))
}
