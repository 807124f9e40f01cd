//! `POST /connect/v1/apps/{client_id}/production-tests` (§5)
//!
//! What can go wrong, in this order: the credentials (401), the right to order (403), the idempotency key's form (400), the
//! body's type, size and form (415, 413, 400), the app (404), the key's earlier use (409), the order itself (400), the
//! database (503).

use axum::extract::{OriginalUri, State};
use axum::http::Method;
use domain::ClientId;
use domain::app::App;
use domain::challenge_request::ChallengeRequest;
use domain::eligibility::{self, SelectionError};
use domain::idempotency::{Fingerprint, VALIDITY};
use domain::production_test::Payload;
use serde_json::{Map, Value, json};
use store::Idempotency;
use store::connect::{CreateChallengeRequest, CreateOutcome, Earlier};
use wire::error::{ErrorEnvelope, FieldError};
use wire::production_test as body;

use crate::web::body::JsonObject;
use crate::web::error::ApiError;
use crate::web::idempotency::IdempotencyKeyHeader;
use crate::web::path::PathParameters;
use crate::web::response::Created;
use crate::workspace_api::caller::{Caller, Write};
use crate::workspace_api::{NO_SUCH_APP, WorkspaceApi};

/// Order a production test
///
/// Stores a challenge request, durably, and answers it. The challenge itself is scheduled right after; follow `Location` or
/// the list until `challengeId` is set. The app's name becomes the host that testers see.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/{client_id}/production-tests",
    operation_id = "createProductionTest",
    tag = "Production tests",
    security(("workspace_api_key" = [])),
    params(
        ("client_id" = String, Path, description = "The app's client id", pattern = "^[0-9A-Za-z]{8}$", example = "FK5b0KSM"),
        ("Idempotency-Key" = Option<String>, Header, description = "A value of your choice, at most 255 characters, such as a \
            UUID: a repetition with the same key and body within 24 hours is answered as the first request was, and makes \
            nothing new", nullable = false, min_length = 1, max_length = 255, example = "0b8e2f6c-9a64-4a53-8e0e-3d2a3c9d6f10"),
    ),
    request_body(content = body::CreateProductionTest, content_type = "application/json"),
    responses(
        (status = 201, description = "The challenge request is stored", body = body::ChallengeRequest, headers(
            ("Location" = String, description = "Where the production test can be read"),
            ("Idempotency-Replayed" = String, description = "`true` when this is the answer to an earlier request"),
            ("X-Request-Id" = String, description = "The request's id"))),
        (status = 400, description = "The order cannot be carried out as it stands", body = ErrorEnvelope),
        (status = 401, description = "The credentials are missing or not valid here", body = ErrorEnvelope),
        (status = 403, description = "The key may only read", body = ErrorEnvelope),
        (status = 404, description = "The workspace has no such app", body = ErrorEnvelope),
        (status = 409, description = "The idempotency key was used for another request, or its first request is still being \
            worked on", body = ErrorEnvelope),
        (status = 413, description = "The body is larger than 64 KiB", body = ErrorEnvelope),
        (status = 415, description = "The body is not declared as JSON", body = ErrorEnvelope),
        (status = 429, description = "Too many requests with this key", body = ErrorEnvelope),
        (status = 500, description = "A bug in fieldtest", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be reached at the moment", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn create(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
    IdempotencyKeyHeader(key): IdempotencyKeyHeader,
    method: Method,
    OriginalUri(uri): OriginalUri,
    JsonObject(order): JsonObject,
) -> Result<Created<body::ChallengeRequest>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let app = api.known_app(&caller.workspace_id, &client_id).await?;
    let Some(key) = key else {
        let payload = settle(&api, &app, &order).await?;
        return place(&api, &app, payload, None).await;
    };
    let workspace_id = &caller.workspace_id;
    let _turn = api.in_flight.turn((workspace_id.clone(), key.clone())).await?;
    let fingerprint = Fingerprint::of(method.as_str(), uri.path(), &order);
    let now = api.world.now();
    if let Some(earlier) = api.store.earlier_at_hand(workspace_id, &key, now).await? {
        return repeat(earlier, fingerprint);
    }
    match settle(&api, &app, &order).await {
        Ok(payload) => {
            let idempotency = Idempotency { key, fingerprint, expires_at: now.plus(VALIDITY) };
            place(&api, &app, payload, Some(idempotency)).await
        }
        // What was answered before is answered again, even if it could not be placed any more today.
        Err(refusal) => match api.store.earlier(workspace_id, &key, now).await? {
            Some(earlier) => repeat(earlier, fingerprint),
            None => Err(refusal),
        },
    }
}

/// What the same request was answered before.
fn repeat(earlier: Earlier, fingerprint: Fingerprint) -> Result<Created<body::ChallengeRequest>, ApiError> {
    if earlier.fingerprint == fingerprint {
        Ok(answer(&earlier.request.as_ordered(), true))
    } else {
        Err(ApiError::key_conflict())
    }
}

async fn place(
    api: &WorkspaceApi,
    app: &App,
    payload: Payload,
    idempotency: Option<Idempotency>,
) -> Result<Created<body::ChallengeRequest>, ApiError> {
    let now = api.world.now();
    let request = ChallengeRequest::new(api.world.ids().request(), app, payload, now);
    let answered = answer(&request, false);
    let lease = api.leases.as_ref().and_then(|leases| leases.at_birth(now));
    let is_taken = lease.is_some();
    match api.store.create_challenge_request(CreateChallengeRequest { request, idempotency, lease }).await? {
        CreateOutcome::Created => {
            if !is_taken {
                api.new_request.announce();
            }
            Ok(answered)
        }
        // It was placed before, here or at another server.
        CreateOutcome::Repeated(earlier) => Ok(answer(&earlier.as_ordered(), true)),
        CreateOutcome::KeyConflict => Err(ApiError::key_conflict()),
    }
}

/// The order with its defaults filled in and its providers settled. Before providers are refused, the app is looked up anew.
async fn settle(api: &WorkspaceApi, known: &App, order: &Map<String, Value>) -> Result<Payload, ApiError> {
    let order = body::read_order(order).map_err(ApiError::validation)?;
    let given = order.provider_ids.as_deref();
    let select = |app: &App| eligibility::select(given, &app.enabled_providers, &api.catalogue, api.environment);
    let providers = match select(known) {
        Ok(providers) => providers,
        Err(_perhaps_outdated) => {
            let app = api.app(&known.workspace_id, &known.client_id).await?;
            select(&app).map_err(|error| refused_providers(error, given))?
        }
    };
    Ok(order.into_payload(providers))
}

fn refused_providers(error: SelectionError, given: Option<&[String]>) -> ApiError {
    let invalid =
        |message: &str| ApiError::validation(vec![FieldError::invalid("providerIds", message, &json!(given))]);
    match error {
        SelectionError::Empty => {
            invalid("providerIds must name at least one provider. Leave it out to test every eligible one.")
        }
        SelectionError::NoneEligible => invalid(
            "providerIds was left out, but none of the app's providers can be tested here. Enable one for the app first.",
        ),
        SelectionError::Refused(refusals) => {
            let message = "providerIds names providers that cannot be tested. details.providers says which, and why.";
            let providers: Vec<_> = refusals.iter().map(body::RefusedProvider::from).collect();
            invalid(message).with_detail("providers", json!(providers))
        }
    }
}

/// The answer to a request as it was ordered: what has become of it is no part of it, so the first answer and every repeated one
/// are the same.
fn answer(request: &ChallengeRequest, is_replay: bool) -> Created<body::ChallengeRequest> {
    let location = format!("/connect/v1/apps/{}/production-tests/{}", request.client_id, request.id);
    Created { body: request.into(), location, is_replay }
}
