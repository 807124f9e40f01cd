//! `POST /tpas/v1/challenges/{id}/participations` (§10)

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use db::{IdempotencyRecord, Lookup, StoreError};
use domain::idempotency::IdempotencyKey;
use domain::participation::{Participation, Status, TIME_TO_VERIFY};
use domain::production_test::Payload;
use domain::{ChallengeId, Platform, ProviderId};
use http_support::error::ApiError;
use http_support::idempotency::{IdempotentRequest, KeyedRequest, Outcome, once};
use http_support::path::PathParameters;
use http_support::response::Created;
use serde_json::{Map, Value};
use store_challenge::{ChallengeRecord, IdempotentResult, JoinChallenge, JoinOutcome};
use wire::error::ErrorEnvelope;
use wire::participation::{self as body, read_join};

use super::browser::Browser;
use crate::origin::Origin;
use crate::{ChallengeService, NO_SUCH_CHALLENGE};

/// Join a challenge
///
/// Begins a participation: the tester has 15 minutes to be verified at `verificationUrl`. The
/// browser is known by a cookie, and has one live or successful participation per provider unless
/// the challenge allows more.
#[utoipa::path(
    post,
    path = "/tpas/v1/challenges/{id}/participations",
    operation_id = "joinChallenge",
    tag = "Testers",
    params(
        ("id" = String, Path, description = "The challenge's id", example = "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a"),
        ("Idempotency-Key" = Option<String>, Header, description = "A random value, at most 255 characters, such as a UUID: a \
            repetition with the same key and body within 24 hours is answered as the first request was. Whoever knows the key \
            can repeat the request, so keep it to yourself", nullable = false, min_length = 1, max_length = 255,
            example = "0b8e2f6c-9a64-4a53-8e0e-3d2a3c9d6f10"),
    ),
    request_body(content = body::JoinChallenge, content_type = "application/json"),
    responses(
        (status = 201, description = "The participation has begun", body = body::StartedParticipation, headers(
            ("Location" = String, description = "Where the participation can be followed, with its token"),
            ("Set-Cookie" = String, description = "How this browser will be known"),
            ("Idempotency-Replayed" = String, description = "`true` when this is the answer to an earlier request"),
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 400, description = "The provider or the platform is not one of the challenge's", body = ErrorEnvelope),
        (status = 404, description = "There is no such challenge", body = ErrorEnvelope),
        (status = 409, description = "The challenge is complete, closed or over; or this browser has joined already; or the \
            idempotency key was used for another request", body = ErrorEnvelope),
        (status = 413, description = "The body is larger than 64 KiB", body = ErrorEnvelope),
        (status = 415, description = "The body is not declared as JSON", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment, or testers cannot be verified here",
            body = ErrorEnvelope),
    ),
)]
pub(crate) async fn create(
    State(service): State<ChallengeService>,
    path: PathParameters,
    browser: Browser,
    origin: Origin,
    IdempotentRequest { keyed, body }: IdempotentRequest,
) -> Result<Response, ApiError> {
    let id: ChallengeId = path.parse("id", NO_SUCH_CHALLENGE)?;
    let record = service
        .store()
        .challenge(id)
        .await?
        .ok_or_else(|| ApiError::not_found(NO_SUCH_CHALLENGE))?;
    service.parts.verifier.check()?;
    let browser_hash = service.parts.secrets.browser_hash(id, &browser.value);
    let known_as = browser.known_as(browser_hash);
    let (participation, is_replay) = once(
        &service.parts.in_flight,
        id,
        keyed,
        |key, _| find_earlier(&service, id, key),
        |keyed| join(&service, &record, &body, browser_hash, keyed),
        |made| made_by(known_as, made),
    )
    .await?;
    let mut response = answer(&service, &participation, &origin, is_replay);
    if !is_replay && let Some(cookie) = browser.set_cookie(&origin) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// An earlier request with this key. It is looked for on any engine: a repetition must not be
/// refused because its own participation stands in the way.
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
    browser_hash: [u8; 32],
    keyed: Option<KeyedRequest>,
) -> Result<Outcome<Participation, IdempotentResult>, ApiError> {
    let Payload { provider_ids, target_platform, .. } = &record.payload;
    let (provider_id, platform) =
        read_join(body, provider_ids, *target_platform).map_err(ApiError::validation)?;
    let write = JoinChallenge {
        participation: new_participation(service, record.challenge.id, provider_id, platform),
        browser_hash,
        idempotency: keyed.map(|keyed| keyed.idempotency(service.clock_and_rng().now())),
    };
    let participation = write.participation.clone();
    match service.store().join_challenge(write).await? {
        JoinOutcome::Joined => Ok(Outcome::Created(participation)),
        JoinOutcome::Replay(made) => Ok(Outcome::Replay(made)),
        JoinOutcome::KeyConflict => Ok(Outcome::KeyConflict),
        refused => Err(refusal(&refused)),
    }
}

/// What the same request has begun before. A browser that never got the first answer has no cookie;
/// one that has another cookie is another tester's.
fn made_by(known_as: Option<[u8; 32]>, made: IdempotentResult) -> Result<Participation, ApiError> {
    if known_as.is_none_or(|known_as| known_as == made.browser_hash) {
        Ok(made.participation)
    } else {
        Err(ApiError::key_conflict())
    }
}

fn refusal(outcome: &JoinOutcome) -> ApiError {
    match outcome {
        JoinOutcome::KeyConflict => ApiError::key_conflict(),
        JoinOutcome::NoChallenge => ApiError::not_found(NO_SUCH_CHALLENGE),
        JoinOutcome::Inactive => ApiError::conflict(
            "This challenge is over: all stamps are granted, or its time has passed. Look for another one.",
        ),
        JoinOutcome::AlreadyJoined => ApiError::conflict(
            "You take part in this challenge with this provider already. Finish that, or choose another provider.",
        ),
        JoinOutcome::Joined | JoinOutcome::Replay(_) => {
            ApiError::internal("a success taken for a refusal")
        }
    }
}

fn new_participation(
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
        joined_at: now,
        lapses_at: now.plus(TIME_TO_VERIFY),
    }
}

/// The answer is rebuilt from the participation as it began, so the first and every repeated one
/// are the same.
fn answer(
    service: &ChallengeService,
    participation: &Participation,
    origin: &Origin,
    is_replay: bool,
) -> Response {
    let begun = Participation { recorded_status: Status::Started, ..participation.clone() };
    let verification_url = service.parts.verifier.verification_url(
        &service.parts.secrets,
        participation.id,
        &origin.0,
    );
    let body = body::StartedParticipation {
        participation: body::Participation::at(begun.joined_at, &begun, verification_url),
        token: service.parts.secrets.participation_token(participation.id),
    };
    let location = format!("/tpas/v1/participations/{}", participation.id);
    Created { body, location, is_replay }.into_response()
}
