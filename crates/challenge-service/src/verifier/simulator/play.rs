//! `POST /tpas/v1/simulator/{participation_id}`: the tester plays the person (§10)

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use domain::participation::Participation;
use domain::verification::FailureReason;
use http_support::body::{self, JsonObject};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use http_support::query::QueryParameters;
use serde_json::{Map, Value};
use wire::error::ErrorEnvelope;
use wire::verification::{SimulateVerificationSchema, VerificationResult, read_simulation};

use super::{NO_SUCH_VERIFICATION, find, page};
use crate::documentation::SimulatorPath;
use crate::pages;
use crate::participations::browser::Browser;
use crate::service::ChallengeService;
use crate::verification::record_outcome;

/// Play the person
///
/// In a sandbox: completes or fails the verification. The page of the same path sends a form, which
/// is answered with the page; programs send JSON.
#[utoipa::path(
    post,
    path = "/tpas/v1/simulator/{participation_id}",
    operation_id = "simulateVerification",
    tag = "Sandbox simulator",
    params(
        SimulatorPath,
        ("code" = String, Query, description = "The code of the verificationUrl"),
    ),
    request_body(content = SimulateVerificationSchema, content_type = "application/json"),
    responses(
        (status = 200, description = "The participation's status", body = VerificationResult),
        SimulatorPath, JsonObject, ServerErrors,
        (status = 400, description = "The body or the query is not valid", body = ErrorEnvelope),
        (status = 415, description = "The body is neither JSON nor a form", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn play(
    State(service): State<ChallengeService>,
    path: PathParameters,
    mut query: QueryParameters,
    browser: Browser,
    request: Request,
) -> Result<Response, ApiError> {
    let participation = find(&service, &path, &mut query).await?;
    if body::is_form(request.headers()) {
        return play_form(&service, participation, browser, request).await;
    }
    if !body::is_json_or_undeclared(request.headers()) {
        return Err(ApiError::unsupported_media_type());
    }
    let members = body::object(&body::read(request, &()).await?)?;
    let outcome = read_simulation(&members).map_err(ApiError::validation)?;
    service.count(&participation.provider_id, outcome.failure_reason());
    let result: VerificationResult = record_outcome(&service, participation.id, outcome)
        .await?
        .ok_or_else(|| ApiError::not_found(NO_SUCH_VERIFICATION))?;
    Ok(Json(result).into_response())
}

/// The form of the simulator's page. Its tester goes on to the page of the participation; somebody
/// else who plays the person stays here.
async fn play_form(
    service: &ChallengeService,
    participation: Participation,
    browser: Browser,
    request: Request,
) -> Result<Response, ApiError> {
    let fields = body::form(&body::read(request, &()).await?)?;
    let mut members: Map<String, Value> =
        fields.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    if members.get("outcome").and_then(Value::as_str) == Some("cancelled") {
        members.insert("outcome".into(), "failed".into());
        members.insert("reason".into(), FailureReason::CancelledByTester.as_str().into());
    }
    let Ok(outcome) = read_simulation(&members) else {
        let problem = "Say who you are: any text of at most 255 characters that is not blank.";
        return page::render(service, &participation, Some(problem)).await;
    };
    let not_found = || ApiError::not_found(NO_SUCH_VERIFICATION);
    service.count(&participation.provider_id, outcome.failure_reason());
    record_outcome(service, participation.id, outcome).await?.ok_or_else(not_found)?;
    let hash = service.parts.secrets.browser_hash(participation.challenge_id, &browser.value);
    let own = service.store().participation_in_browser(participation.id, hash).await?;
    if own.is_some() {
        return Ok(pages::see_other(&pages::participation_path(&participation)));
    }
    let decided = service.store().participation(participation.id).await?.ok_or_else(not_found)?;
    page::render(service, &decided, None).await
}
