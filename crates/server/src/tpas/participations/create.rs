//! `POST /tpas/v1/challenges/{id}/participations` (§10)

use axum::extract::{OriginalUri, State};
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use domain::idempotency::{Fingerprint, IdempotencyKey, VALIDITY};
use domain::participation::{Participation, Status, TIME_TO_VERIFY};
use domain::{ChallengeId, Platform, ProviderId};
use store::Idempotency;
use store::tpas::{JoinChallenge, JoinOutcome};
use wire::error::ErrorEnvelope;
use wire::participation::{self as body, read_join};

use super::browser::Browser;
use crate::tpas::origin::Origin;
use crate::tpas::{NO_SUCH_CHALLENGE, Tpas};
use crate::web::body::JsonObject;
use crate::web::error::ApiError;
use crate::web::idempotency::IdempotencyKeyHeader;
use crate::web::path::PathParameters;
use crate::web::response::Created;

/// Join a challenge
///
/// Begins a participation: the tester has 15 minutes to be verified at `verificationUrl`. The browser is known by a cookie,
/// and has one live or successful participation per provider unless the challenge allows more.
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
#[expect(clippy::too_many_arguments, reason = "each is an extractor: what the handler needs of a request, by type")]
pub(crate) async fn create(
    State(tpas): State<Tpas>,
    path: PathParameters,
    browser: Browser,
    origin: Origin,
    IdempotencyKeyHeader(key): IdempotencyKeyHeader,
    method: Method,
    OriginalUri(uri): OriginalUri,
    JsonObject(wish): JsonObject,
) -> Result<Response, ApiError> {
    let id: ChallengeId = path.parse("id", NO_SUCH_CHALLENGE)?;
    let record = tpas.store().challenge(id).await?.ok_or_else(|| ApiError::not_found(NO_SUCH_CHALLENGE))?;
    tpas.parts.verifier.check()?;
    let _turn = match &key {
        Some(key) => Some(tpas.parts.in_flight.turn((id, key.clone())).await?),
        None => None,
    };
    let fingerprint = Fingerprint::of(method.as_str(), uri.path(), &wish);
    let browser_hash = tpas.parts.secrets.browser_hash(id, &browser.value);
    if let Some(earlier) = earlier(&tpas, id, key.as_ref(), fingerprint, browser.known_as(browser_hash)).await? {
        return Ok(answer(&tpas, &earlier, &origin, true));
    }
    let (provider_id, platform) =
        read_join(&wish, &record.payload.provider_ids, record.payload.target_platform).map_err(ApiError::validation)?;
    let unit = JoinChallenge {
        participation: new_participation(&tpas, id, provider_id, platform),
        browser_hash,
        idempotency: key.map(|key| Idempotency { key, fingerprint, expires_at: tpas.world().now().plus(VALIDITY) }),
    };
    let participation = unit.participation.clone();
    match tpas.store().join_challenge(unit).await? {
        JoinOutcome::Joined => {
            let mut response = answer(&tpas, &participation, &origin, false);
            if let Some(cookie) = browser.set_cookie(&origin) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            Ok(response)
        }
        // Another replica was faster.
        JoinOutcome::Repeated(earlier) => Ok(answer(&tpas, &earlier, &origin, true)),
        refused => Err(refusal(&refused)),
    }
}

/// What the same request has begun before, even if it could not begin any more today.
async fn earlier(
    tpas: &Tpas,
    id: ChallengeId,
    key: Option<&IdempotencyKey>,
    fingerprint: Fingerprint,
    known_browser: Option<[u8; 32]>,
) -> Result<Option<Participation>, ApiError> {
    let Some(key) = key else { return Ok(None) };
    let Some(earlier) = tpas.store().earlier(id, key, tpas.world().now()).await? else { return Ok(None) };
    // Whoever never got the first answer has no cookie; whoever has another one is somebody else.
    let is_same_browser = known_browser.is_none_or(|known| known == earlier.browser_hash);
    if is_same_browser && earlier.fingerprint == fingerprint {
        Ok(Some(earlier.participation))
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
        JoinOutcome::Joined | JoinOutcome::Repeated(_) => ApiError::internal("a success taken for a refusal"),
    }
}

fn new_participation(
    tpas: &Tpas,
    challenge_id: ChallengeId,
    provider_id: ProviderId,
    platform: Platform,
) -> Participation {
    let now = tpas.world().now();
    Participation {
        id: tpas.world().ids().participation(),
        challenge_id,
        provider_id,
        platform,
        recorded_status: Status::Started,
        joined_at: now,
        lapses_at: now.plus(TIME_TO_VERIFY),
    }
}

/// The answer is rebuilt from the participation as it began, so the first and every repeated one are the same.
fn answer(tpas: &Tpas, participation: &Participation, origin: &Origin, is_replay: bool) -> Response {
    let begun = Participation { recorded_status: Status::Started, ..participation.clone() };
    let verification_url = tpas.parts.verifier.verification_url(&tpas.parts.secrets, participation.id, &origin.0);
    let body = body::StartedParticipation {
        participation: body::Participation::at(begun.joined_at, &begun, verification_url),
        token: tpas.parts.secrets.participation_token(participation.id),
    };
    let location = format!("/tpas/v1/participations/{}", participation.id);
    Created { body, location, is_replay }.into_response()
}
