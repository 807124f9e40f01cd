//! `GET /tpas/v1/verifications/{participation_id}/start` (§10): from our page to the provider.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use domain::participation::{Participation, Status};
use domain::{ParticipationId, base62};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use http_support::query::QueryParameters;
use openid_connect::RelyingParty;
use store_challenge::{BeginOutcome, BeginVerification};
use wire::error::ErrorEnvelope;

use crate::documentation::SimulatorPath;
use crate::pages::see_other;
use crate::service::ChallengeService;
use crate::verifier::Verifier;

const NO_SUCH_VERIFICATION: &str =
    "There is no such verification. Follow the verificationUrl that joining has answered.";

/// How long a person has between our page and the way back.
const LIFETIME: Duration = Duration::from_mins(10);

/// A state has 256 bits: 43 base62 digits.
const STATE_LENGTH: usize = 43;

/// Go to the provider
///
/// Leads the tester's browser to the provider. The participation's `verificationUrl`.
#[utoipa::path(
    get,
    path = "/tpas/v1/verifications/{participation_id}/start",
    operation_id = "startVerification",
    tag = "Verifiers",
    params(
        SimulatorPath,
        ("code" = String, Query, description = "The code of the verificationUrl"),
    ),
    responses(
        (status = 303, description = "To the provider"),
        SimulatorPath, QueryParameters, ServerErrors,
        (status = 409, body = ErrorEnvelope, description = "The participation has ended"),
        (status = 429, body = ErrorEnvelope, description = "It was started too often"),
        (status = 503, body = ErrorEnvelope, description = "The provider cannot be reached"),
    ),
)]
pub(crate) async fn start(
    State(service): State<ChallengeService>,
    path: PathParameters,
    mut query: QueryParameters,
) -> Result<Response, ApiError> {
    let not_found = || ApiError::not_found(NO_SUCH_VERIFICATION);
    let id: ParticipationId = path.parse("participation_id", NO_SUCH_VERIFICATION)?;
    let code: Option<String> = query.take("code", "the code of the verificationUrl", |_| true);
    let is_right = code.is_some_and(|code| service.parts.secrets.is_verification_code(id, &code));
    if !is_right {
        return Err(not_found());
    }
    let participation = service.store().participation(id).await?.ok_or_else(not_found)?;
    if participation.status_at(service.clock_and_rng().now()) != Status::Started {
        let message = "This attempt has ended. Open the test again to see how, or to begin anew.";
        return Err(ApiError::conflict(message));
    }
    let provider = &participation.provider_id;
    let verifier = service.parts.verifiers.get(provider).cloned().ok_or_else(not_found)?;
    let state = base62::random(service.clock_and_rng().randomness(), STATE_LENGTH);
    let url = match verifier {
        Verifier::Simulator => return Err(not_found()),
        Verifier::External(url) => external_url(&url, id, &state),
        Verifier::OpenIdConnect(party) => {
            provider_url(&service, &participation, &party, &state).await?
        }
    };
    begin(&service, participation, &state).await?;
    Ok(see_other(&url))
}

async fn begin(
    service: &ChallengeService,
    participation: Participation,
    state: &str,
) -> Result<(), ApiError> {
    let (id, now) = (participation.id, service.clock_and_rng().now());
    let write = BeginVerification {
        participation,
        state_hash: service.parts.secrets.state_hash(state),
        now,
        expires_at: now.plus(LIFETIME),
    };
    match service.store().begin_verification(write).await? {
        BeginOutcome::Begun => Ok(service.start_verification(id).await?),
        BeginOutcome::TooOften => {
            Err(ApiError::busy("You began too often. Wait a minute, then begin the test anew.", 60))
        }
    }
}

/// The relying party's own login, with what its backend reports the outcome by.
fn external_url(url: &str, id: ParticipationId, state: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}participation={id}&state={state}")
}

async fn provider_url(
    service: &ChallengeService,
    participation: &Participation,
    party: &RelyingParty,
    state: &str,
) -> Result<String, ApiError> {
    let attempt = service.parts.secrets.attempt(state);
    let provider_id = &participation.provider_id;
    let url = party.authorization_url(&attempt).await;
    service.note_discovery(provider_id, party).await;
    if let Err(failure) = &url {
        super::report_failure(provider_id, failure);
        service.note_failure(provider_id, failure.reason).await;
    }
    url.map_err(|failure| {
        let provider = service.provider_name(provider_id.as_str());
        ApiError::unavailable(
            &format!("{provider} cannot be reached at the moment. Go back and try again."),
            failure,
        )
    })
}
