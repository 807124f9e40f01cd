//! `POST /connect/v1/apps/{client_id}/production-tests` (§5)
//!
//! What can go wrong, in this order: the credentials (401), the right to order (403), the
//! idempotency key's form (400), the body's type, size and form (415, 413, 400), the app (404), the
//! key's earlier use (409), the order itself (400), the database (503).

use axum::extract::State;
use db::Channel;
use domain::ClientId;
use domain::app::App;
use domain::challenge_request::ChallengeRequest;
use domain::eligibility::{self, SelectionError};
use domain::production_test::Payload;
use http_support::error::ApiError;
use http_support::idempotency::{IdempotentRequest, KeyedRequest, Outcome, once};
use http_support::path::PathParameters;
use http_support::response::Created;
use scheduler::Reservation;
use serde_json::{Map, Value, json};
use store_workspace::{CreateChallengeRequest, CreateOutcome, IdempotentResult, RequestKey};
use wire::error::{ErrorEnvelope, FieldError};
use wire::production_test as body;

use crate::caller::{Caller, Write};
use crate::{NO_SUCH_APP, WorkspaceApi};

/// Order a production test
///
/// Stores a challenge request, durably, and answers it. The challenge itself is scheduled right
/// after; follow `Location` or the list until `challengeId` is set. The app's name becomes the host
/// that testers see.
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
    IdempotentRequest { keyed, body: order }: IdempotentRequest,
) -> Result<Created<body::ChallengeRequest>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let app = api.known_app(&caller.workspace_id, &client_id).await?;
    let workspace_id = caller.workspace_id;
    let (body, is_replay) = once(
        &api.in_flight,
        workspace_id.clone(),
        keyed,
        |key, lookup| api.find_earlier(&workspace_id, key, lookup),
        |keyed| async {
            let payload = settle(&api, &app, &order).await?;
            store(&api, &app, payload, keyed).await
        },
        answer_again,
    )
    .await?;
    let location = format!("/connect/v1/apps/{}/production-tests/{}", body.client_id, body.id);
    Ok(Created { body, location, is_replay })
}

/// Stores the request. Where this process has a scheduler with a free slot, it hands the request
/// over right away; otherwise a scheduler finds it in the table.
async fn store(
    api: &WorkspaceApi,
    app: &App,
    payload: Payload,
    keyed: Option<KeyedRequest>,
) -> Result<Outcome<body::ChallengeRequest, IdempotentResult>, ApiError> {
    let now = api.clock_and_rng.now();
    let request = ChallengeRequest::new(api.clock_and_rng.ids().request(), app, payload, now);
    let dispatch = api.local_dispatch.as_ref();
    let reservation =
        dispatch.and_then(|dispatch| dispatch.reserve(RequestKey::from(&request), now));
    let write = CreateChallengeRequest {
        idempotency: keyed.map(|keyed| keyed.idempotency(now)),
        lease: reservation.as_ref().map(Reservation::lease),
        request: request.clone(),
    };
    let outcome = api.store.create_challenge_request(write).await?;
    match (outcome, reservation) {
        (CreateOutcome::Created, reservation) => {
            let body = body::ChallengeRequest::from(&request);
            match reservation {
                Some(reservation) => reservation.submit(request),
                None => api.store.database().notify(Channel::NewRequest),
            }
            Ok(Outcome::Created(body))
        }
        (refused, reservation) => {
            if let Some(reservation) = reservation {
                reservation.cancel();
            }
            Ok(match refused {
                CreateOutcome::Replay(made) => Outcome::Replay(*made),
                CreateOutcome::Created | CreateOutcome::KeyConflict => Outcome::KeyConflict,
            })
        }
    }
}

/// The request as it was ordered: what has become of it is no part of the answer, so the first
/// answer and every repeated one are the same.
fn answer_again(made: IdempotentResult) -> Result<body::ChallengeRequest, ApiError> {
    let request =
        made.request.ok_or_else(|| ApiError::internal("an order's key without an order"))?;
    Ok((&request.as_ordered()).into())
}

/// The order with its defaults filled in and its providers settled. Before providers are refused,
/// the app is looked up anew.
async fn settle(
    api: &WorkspaceApi,
    known: &App,
    order: &Map<String, Value>,
) -> Result<Payload, ApiError> {
    let order = body::read_order(order).map_err(ApiError::validation)?;
    let given = order.provider_ids.as_deref();
    let select = |app: &App| {
        eligibility::select(given, &app.enabled_providers, &api.catalogue, api.environment)
    };
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
    let invalid = |message: &str| {
        ApiError::validation(vec![FieldError::invalid("providerIds", message, &json!(given))])
    };
    match error {
        SelectionError::Empty => invalid(
            "providerIds must name at least one provider. Leave it out to test every eligible one.",
        ),
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
