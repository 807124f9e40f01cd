//! `GET /tpas/v1/verifications/callback` (§10): back from the provider.
//!
//! The code is redeemed at once, because codes live for seconds. In the browser in which the
//! participation began, the outcome counts. In any other one, which phones may come back to, it is
//! parked until its person says that it was theirs; otherwise whoever gets somebody to follow a
//! link could have them verified for an attempt of their own.

use axum::extract::State;
use axum::http::header;
use axum::response::Response;
use domain::participation::Participation;
use domain::verification::{Outcome, Subject};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::query::QueryParameters;
use openid_connect::{Callback, RelyingParty};
use store_challenge::{ParkOutcome, UseState};
use wire::error::ErrorEnvelope;

use super::record_outcome;
use crate::origin::Origin;
use crate::pages::{participation_path, see_other};
use crate::participations::browser::Browser;
use crate::service::ChallengeService;
use crate::verifier::Verifier;

const UNKNOWN: &str = "This login is not known here, or its time is over. Open the test again with the \
                       link that you got, and begin anew.";

/// Come back from the provider
///
/// The redirect URI of this deployment, for all providers. It leads to the participation's page.
#[utoipa::path(
    get,
    path = "/tpas/v1/verifications/callback",
    operation_id = "finishVerification",
    tag = "Verifiers",
    params(
        ("state" = String, Query, description = "The state of the authorization request"),
        ("code" = Option<String>, Query, description = "The authorization code"),
        ("error" = Option<String>, Query, description = "Why there is none"),
        ("iss" = Option<String>, Query, description = "The issuer (RFC 9207)"),
    ),
    responses(
        (status = 303, description = "To the page of the participation"),
        ServerErrors,
        (status = 404, body = ErrorEnvelope, description = "The state is unknown or too old"),
    ),
)]
pub(crate) async fn callback(
    State(service): State<ChallengeService>,
    mut query: QueryParameters,
    browser: Browser,
    origin: Origin,
) -> Result<Response, ApiError> {
    let unknown = || ApiError::not_found(UNKNOWN);
    let mut text = |name| query.take::<String>(name, "text", |_| true);
    let (state, code, error, iss) = (text("state"), text("code"), text("error"), text("iss"));
    let state = state.ok_or_else(unknown)?;
    let state_hash = service.parts.secrets.state_hash(&state);
    let verification = service.store().verification(state_hash).await?.ok_or_else(unknown)?;
    let id = verification.participation_id;
    let participation = service.store().participation(id).await?.ok_or_else(unknown)?;
    let provider = &participation.provider_id;
    let Some(Verifier::OpenIdConnect(party)) = service.parts.verifiers.get(provider) else {
        return Err(unknown());
    };
    let now = service.clock_and_rng().now();
    // Loading the page again, or a second callback at once, leads to the same result.
    if service.store().use_state(UseState { state_hash, now }).await? {
        let answer = Answer { code, error, iss, state };
        let outcome = outcome(&service, &participation, party, answer).await;
        service.note_discovery(provider, party).await;
        service.note_return(provider, outcome.failure_reason()).await;
        settle(&service, &participation, &browser, state_hash, outcome).await?;
    } else if !verification.is_used {
        return Err(unknown());
    }
    let mut response = see_other(&participation_path(&participation));
    if let Some(cookie) = browser.set_cookie(&origin) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// What the provider sent back with the person.
struct Answer {
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
    state: String,
}

async fn outcome(
    service: &ChallengeService,
    participation: &Participation,
    party: &RelyingParty,
    answer: Answer,
) -> Outcome<Subject> {
    let Answer { code, error, iss, state } = answer;
    let Some(code) = code else {
        let reason = party.refusal(error.as_deref().unwrap_or_default(), iss.as_deref());
        tracing::info!(
            provider = %participation.provider_id,
            reason = reason.as_str(),
            "a provider refused a verification"
        );
        return Outcome::Failed { reason };
    };
    let attempt = service.parts.secrets.attempt(&state);
    match party.redeem(&Callback { code, iss }, &attempt).await {
        Ok(subject) => Outcome::Completed { subject },
        Err(failure) => {
            super::report_failure(&participation.provider_id, &failure);
            Outcome::Failed { reason: failure.reason }
        }
    }
}

/// Records the outcome, or parks a verified person that another browser brought back. A failure
/// needs no question: it grants nothing.
async fn settle(
    service: &ChallengeService,
    participation: &Participation,
    browser: &Browser,
    state_hash: [u8; 32],
    outcome: Outcome<Subject>,
) -> Result<(), ApiError> {
    let Participation { id, challenge_id, provider_id, .. } = participation;
    let secrets = &service.parts.secrets;
    let browser_hash = secrets.browser_hash(*challenge_id, &browser.value);
    let is_own = service.store().participation_in_browser(*id, browser_hash).await?.is_some();
    match outcome {
        Outcome::Completed { subject } if !is_own => {
            let subject_hash = secrets.subject_hash(*challenge_id, provider_id, &subject);
            let write = ParkOutcome { state_hash, subject_hash, browser_hash };
            Ok(service.store().park_outcome(write).await?)
        }
        outcome => record_outcome(service, *id, outcome).await.map(drop),
    }
}
