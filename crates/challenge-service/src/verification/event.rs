//! `POST /tpas/v1/verification-events` (§10)

use axum::Json;
use axum::extract::{Request, State};
use http_support::body::{self, JsonObject};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use wire::error::ErrorEnvelope;
use wire::signature;
use wire::verification::{VerificationEventSchema, VerificationResult, read_event};

use super::record_outcome;
use crate::service::ChallengeService;

const NO_SUCH_PARTICIPATION: &str = "There is no such participation. Check data.participationId.";

/// Report the outcome of a verification
///
/// For verifiers. The body is signed. An event for a participation that is already decided changes
/// nothing.
#[utoipa::path(
    post,
    path = "/tpas/v1/verification-events",
    operation_id = "sendVerificationEvent",
    tag = "Verifiers",
    params(
        ("X-Hopae-Signature" = String, Header,
            description = "`t=<unix seconds>,v1=<hex HMAC-SHA256 of \"<t>.<body>\">`, at most 300 \
                seconds old",
            example = "t=1775642400,v1=5f0c"),
    ),
    request_body(content = VerificationEventSchema, content_type = "application/json"),
    responses(
        (status = 200, description = "The participation's status", body = VerificationResult),
        JsonObject, ServerErrors,
        (status = 401, body = ErrorEnvelope,
            description = "The signature is missing, wrong or too old"),
        (status = 404, description = "There is no such participation", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn receive(
    State(service): State<ChallengeService>,
    request: Request,
) -> Result<Json<VerificationResult>, ApiError> {
    let header = request
        .headers()
        .get(signature::HEADER)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let header = header.ok_or_else(ApiError::invalid_credentials)?;
    let is_json = body::is_json_or_undeclared(request.headers());
    let bytes = body::read(request, &()).await?;
    signature::verify(
        service.parts.secrets.verification(),
        service.clock_and_rng().now(),
        &bytes,
        &header,
    )
    .map_err(|error| {
        tracing::info!(reason = %error, "a verification event was refused");
        ApiError::invalid_credentials()
    })?;

    if !is_json {
        return Err(ApiError::unsupported_media_type());
    }
    let (id, outcome) = read_event(&body::object(&bytes)?).map_err(ApiError::validation)?;
    let not_found = || ApiError::not_found(NO_SUCH_PARTICIPATION);
    let id = id.parse().map_err(|_| not_found())?;
    record_outcome(&service, id, outcome).await?.map(Json).ok_or_else(not_found)
}
