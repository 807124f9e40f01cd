//! `POST /tpas/v1/verification-events` (§10)

use axum::Json;
use axum::extract::{Request, State};
use domain::participation::Status;
use domain::{ParticipationId, ProviderId};
use http_support::body::{self, JsonObject};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use store_challenge::UseState;
use wire::error::{ErrorEnvelope, FieldError};
use wire::signature;
use wire::verification::{VerificationEventSchema, VerificationResult, read_event};

use super::record_outcome;
use crate::service::ChallengeService;
use crate::verifier::Verifier;

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
        (status = 409, body = ErrorEnvelope,
            description = "The state is not the participation's, or was used before; or the \
                provider's testers are verified by OpenID Connect"),
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
    let event = read_event(&body::object(&bytes)?).map_err(ApiError::validation)?;
    let not_found = || ApiError::not_found(NO_SUCH_PARTICIPATION);
    let id = event.participation_id.parse().map_err(|_| not_found())?;
    let outcome = event.outcome;
    if let Some(provider) = check_state(&service, id, event.state.as_deref()).await? {
        service.note_return(&provider, outcome.failure_reason()).await;
    }
    record_outcome(&service, id, outcome).await?.map(Json).ok_or_else(not_found)
}

/// Checks that the event belongs to this participation's verification. Where the tester was sent to
/// the relying party's own login, the event has the state that was sent along; a participation that
/// is decided needs none, because the event changes nothing. Returns the provider, if that login has
/// now sent a tester back.
async fn check_state(
    service: &ChallengeService,
    id: ParticipationId,
    state: Option<&str>,
) -> Result<Option<ProviderId>, ApiError> {
    let now = service.clock_and_rng().now();
    let participation = service.store().participation(id).await?;
    let Some(participation) = participation.filter(|it| it.status_at(now) == Status::Started)
    else {
        return Ok(None);
    };
    match service.parts.verifiers.get(&participation.provider_id) {
        Some(Verifier::External(_)) => {}
        Some(Verifier::OpenIdConnect(_)) => {
            let message = "Testers of this provider are verified by OpenID Connect, so no event is \
                           accepted.";
            return Err(ApiError::conflict(message));
        }
        Some(Verifier::Simulator) | None => return Ok(None),
    }
    let missing = || {
        let message = "data.state is required: the state that was added to the tester's URL.";
        ApiError::validation(vec![FieldError::missing("data.state", message.to_owned())])
    };
    let state_hash = service.parts.secrets.state_hash(state.ok_or_else(missing)?);
    let verification = service.store().verification(state_hash).await?;
    let is_own = verification.is_some_and(|verification| verification.participation_id == id);
    if is_own && service.store().use_state(UseState { state_hash, now }).await? {
        return Ok(Some(participation.provider_id));
    }
    Err(ApiError::conflict(
        "data.state is not a state of this participation, was used before, or its time is over.",
    ))
}
