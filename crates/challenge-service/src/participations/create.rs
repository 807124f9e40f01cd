//! `POST /tpas/v1/challenges/{id}/participations` (§10)

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use db::{IdempotencyRecord, Lookup, StoreError};
use domain::idempotency::IdempotencyKey;
use domain::participation::{Participation, Status, TIME_TO_VERIFY};
use domain::production_test::Payload;
use domain::{ChallengeId, Platform, ProviderId};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::idempotency::{
    IdempotencyKeyHeader, IdempotentRequest, KeyedRequest, Outcome, once,
};
use http_support::path::PathParameters;
use http_support::response::Created;
use serde_json::{Map, Value};
use store_challenge::{ChallengeRecord, IdempotentResult, JoinChallenge, JoinOutcome};
use wire::error::ErrorEnvelope;
use wire::participation::{self as body, read_join};

use super::browser::Browser;
use super::limits::JoiningAddress;
use crate::documentation::ChallengePath;
use crate::origin::Origin;
use crate::service::{ChallengeService, NO_SUCH_CHALLENGE};

/// Join a challenge
///
/// Starts a participation: the tester has 15 minutes to be verified at `verificationUrl`. A cookie
/// identifies the browser, which has one live or successful participation per provider unless the
/// challenge allows more. The answer to a repetition contains the participation's token, so use a
/// random `Idempotency-Key` and keep it secret.
#[utoipa::path(
    post,
    path = "/tpas/v1/challenges/{id}/participations",
    operation_id = "joinChallenge",
    tag = "Testers",
    params(ChallengePath, IdempotencyKeyHeader),
    request_body(content = body::JoinChallenge, content_type = "application/json"),
    responses(
        (status = 201, description = "The participation has started",
            body = body::StartedParticipation, headers(
            ("Location" = String, description = "Where the token can read the participation"),
            ("Set-Cookie" = String, description = "The cookie that identifies the browser"))),
        ChallengePath, IdempotentRequest, ServerErrors,
        (status = 400, body = ErrorEnvelope,
            description = "The body is not valid, or the provider or the platform is not one of \
                the challenge's"),
        (status = 409, body = ErrorEnvelope,
            description = "The challenge is complete, closed or over; or this browser has joined \
                already; or the idempotency key was used for another request"),
        (status = 429, body = ErrorEnvelope,
            description = "Too many join from this address, or this challenge"),
        (status = 503, body = ErrorEnvelope,
            description = "The database cannot be reached at the moment, or testers cannot be \
                verified here"),
    ),
)]
pub(crate) async fn create(
    State(service): State<ChallengeService>,
    path: PathParameters,
    browser: Browser,
    origin: Origin,
    address: JoiningAddress,
    IdempotentRequest { keyed, body, .. }: IdempotentRequest,
) -> Result<Response, ApiError> {
    let id: ChallengeId = path.parse("id", NO_SUCH_CHALLENGE)?;
    let record = service
        .store()
        .challenge(id)
        .await?
        .ok_or_else(|| ApiError::not_found(NO_SUCH_CHALLENGE))?;
    let browser_hash = service.parts.secrets.browser_hash(id, &browser.value);
    let returning = browser.is_returning().then_some(browser_hash);
    let (participation, is_replay) = once(
        &service.parts.in_flight,
        id,
        keyed,
        |key, _| find_earlier(&service, id, key),
        |keyed| join(&service, &record, &body, (browser_hash, address), keyed),
        |made| replay(returning, made),
    )
    .await?;
    let mut response = respond(&service, &participation, &origin, is_replay);
    if !is_replay && let Some(cookie) = browser.set_cookie(&origin) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The earlier request with this key. It is looked up first on both engines, because otherwise a
/// repetition would be refused as a second participation.
async fn find_earlier(
    service: &ChallengeService,
    id: ChallengeId,
    key: IdempotencyKey,
) -> Result<Option<IdempotencyRecord<IdempotentResult>>, StoreError> {
    service
        .store()
        .idempotency_record(id, &key, service.clock_and_rng().now(), Lookup::Always)
        .await
}

async fn join(
    service: &ChallengeService,
    record: &ChallengeRecord,
    body: &Map<String, Value>,
    (browser_hash, address): ([u8; 32], JoiningAddress),
    keyed: Option<KeyedRequest>,
) -> Result<Outcome<Participation, IdempotentResult>, ApiError> {
    let Payload { provider_ids, target_platform, .. } = &record.payload;
    let (provider_id, platform) =
        read_join(body, provider_ids, *target_platform).map_err(ApiError::validation)?;
    service.parts.verifiers.check(&provider_id)?;
    address.count_join(service, record.challenge.id)?;
    let write = JoinChallenge {
        participation: new_participation(service, record.challenge.id, provider_id, platform),
        browser_hash,
        idempotency: keyed.map(|keyed| keyed.idempotency(service.clock_and_rng().now())),
    };
    let participation = write.participation.clone();
    match service.store().join_challenge(write).await? {
        JoinOutcome::Joined => {
            service.trace_join(&participation);
            Ok(Outcome::Created(participation))
        }
        JoinOutcome::Replay(made) => Ok(Outcome::Replay(made)),
        JoinOutcome::KeyConflict => Ok(Outcome::KeyConflict),
        refused => Err(refusal(&refused)),
    }
}

/// The participation that the first request started. A browser that did not receive the first
/// response has no cookie; a browser with another cookie belongs to another tester.
fn replay(returning: Option<[u8; 32]>, made: IdempotentResult) -> Result<Participation, ApiError> {
    if returning.is_none_or(|browser_hash| browser_hash == made.browser_hash) {
        Ok(made.participation)
    } else {
        Err(ApiError::key_conflict())
    }
}

/// The error for a refused request to join.
pub(crate) fn refusal(outcome: &JoinOutcome) -> ApiError {
    match outcome {
        JoinOutcome::KeyConflict => ApiError::key_conflict(),
        JoinOutcome::NoChallenge => ApiError::not_found(NO_SUCH_CHALLENGE),
        JoinOutcome::Inactive => ApiError::conflict(
            "This challenge is over: all stamps are granted, or its time has passed. Look for \
             another one.",
        ),
        JoinOutcome::AlreadyJoined => ApiError::conflict(
            "You take part in this challenge with this provider already. Finish that, or choose \
             another provider.",
        ),
        JoinOutcome::Joined | JoinOutcome::Replay(_) => {
            ApiError::internal("a success taken for a refusal")
        }
    }
}

/// A participation that starts now.
pub(crate) fn new_participation(
    service: &ChallengeService,
    challenge_id: ChallengeId,
    provider_id: ProviderId,
    platform: Platform,
) -> Participation {
    let now = service.clock_and_rng().now();
    Participation {
        id: service.clock_and_rng().ids().participation(),
        challenge_id,
        provider_id,
        platform,
        recorded_status: Status::Started,
        failure_reason: None,
        verification_started_at: None,
        joined_at: now,
        lapses_at: now.plus(TIME_TO_VERIFY),
    }
}

/// The response is built from the participation as it started, so that the first response and every
/// replay are the same.
fn respond(
    service: &ChallengeService,
    participation: &Participation,
    origin: &Origin,
    is_replay: bool,
) -> Response {
    let started = Participation {
        recorded_status: Status::Started,
        failure_reason: None,
        ..participation.clone()
    };
    let verification_url =
        service.parts.verifiers.verification_url(&service.parts.secrets, participation, &origin.0);
    let body = body::StartedParticipation {
        participation: body::Participation::at(started.joined_at, &started, verification_url),
        token: service.parts.secrets.participation_token(participation.id),
    };
    let location = format!("/tpas/v1/participations/{}", participation.id);
    Created { body, location, is_replay }.into_response()
}
