//! `POST /connect/v1/apps/{client_id}/production-tests` (§5)
//!
//! Errors, in this order: the credentials (401), the right to write (403), the idempotency key's
//! form (400), the body's type, size and form (415, 413, 400), the app (404), the key's earlier use
//! (409), the fields (400), the database (503).

use std::sync::Arc;

use axum::extract::State;
use db::Channel;
use domain::app::App;
use domain::challenge_request::ChallengeRequest;
use domain::eligibility::{self, SelectionError};
use domain::production_test::Payload;
use domain::{ClientId, Timestamp};
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::idempotency::{
    IdempotencyKeyHeader, IdempotentRequest, KeyedRequest, Outcome, once,
};
use http_support::path::PathParameters;
use http_support::response::Created;
use scheduler::Reservation;
use serde_json::{Map, Value, json};
use store_workspace::{CreateChallengeRequest, CreateOutcome, IdempotentResult};
use traces::{Kind, Span, SpanId, TraceId};
use wire::error::FieldError;
use wire::production_test as body;

use crate::caller::{Caller, Write};
use crate::documentation::AppPath;
use crate::parent::Parent;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

/// Order a production test
///
/// Stores a challenge request durably and answers it. The challenge is scheduled right after:
/// follow `Location` or the list until `challengeId` is set. Testers see the app's name as the
/// host.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/{client_id}/production-tests",
    operation_id = "createProductionTest",
    tag = "Production tests",
    security(("workspace_api_key" = [])),
    params(AppPath, IdempotencyKeyHeader),
    request_body(content = body::CreateProductionTest, content_type = "application/json"),
    responses(
        (status = 201, description = "The challenge request is stored",
            body = body::ChallengeRequest, headers(
            ("Location" = String, description = "Where the production test can be read"))),
        Caller<Write>, AppPath, IdempotentRequest, ServerErrors,
    ),
)]
pub(crate) async fn create(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
    Parent(parent): Parent,
    IdempotentRequest { keyed, body: order, .. }: IdempotentRequest,
) -> Result<Created<body::ChallengeRequest>, ApiError> {
    let start = api.clock_and_rng.now();
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    let app = api.cached_app(&caller.workspace_id, &client_id).await?;
    let workspace_id = caller.workspace_id;
    let (body, is_replay) = once(
        &api.in_flight,
        workspace_id.clone(),
        keyed,
        |key, lookup| api.find_earlier(&workspace_id, key, lookup),
        |keyed| async {
            let payload = read_payload(&api, &app, &order).await?;
            store(&api, &app, payload, keyed, (start, parent)).await
        },
        replay,
    )
    .await?;
    let location = format!("/connect/v1/apps/{}/production-tests/{}", body.client_id, body.id);
    Ok(Created { body, location, is_replay })
}

/// Stores the request. If the scheduler of this process has a free slot, the request is stored with
/// a lease and submitted to it; otherwise a scheduler finds the request in the table.
async fn store(
    api: &WorkspaceApi,
    app: &App,
    payload: Payload,
    keyed: Option<KeyedRequest>,
    begun: (Timestamp, Option<traces::Caller>),
) -> Result<Outcome<body::ChallengeRequest, IdempotentResult>, ApiError> {
    let now = api.clock_and_rng.now();
    let id = api.clock_and_rng.ids().request();
    let request = Arc::new(ChallengeRequest::new(id, app, payload, now));
    let dispatch = api.local_dispatch.as_ref();
    let reservation = dispatch.and_then(|dispatch| dispatch.reserve(&request, now));
    let write = CreateChallengeRequest {
        idempotency: keyed.map(|keyed| keyed.idempotency(now)),
        lease: reservation.as_ref().map(Reservation::lease),
        request: Arc::clone(&request),
    };
    let outcome = api.store.create_challenge_request(write).await?;
    match (outcome, reservation) {
        (CreateOutcome::Created, reservation) => {
            let body = body::ChallengeRequest::from(&*request);
            api.traces.record(|| span(&request, begun, api.clock_and_rng.now()));
            match reservation {
                Some(reservation) => reservation.submit(),
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

/// The root of the order's trace.
fn span(
    request: &ChallengeRequest,
    (start, caller): (Timestamp, Option<traces::Caller>),
    end: Timestamp,
) -> Span {
    let trace = TraceId::from(request.id);
    Span {
        trace,
        id: SpanId::order(trace),
        parent: None,
        name: "order",
        kind: Kind::Server,
        start,
        end,
        attributes: vec![
            ("http.request.method", "POST".into()),
            ("http.route", "/connect/v1/apps/{client_id}/production-tests".into()),
            ("http.response.status_code", "201".into()),
            ("fieldtest.request", request.id.to_string()),
            ("fieldtest.workspace", request.workspace_id.to_string()),
        ],
        error: None,
        caller,
    }
}

/// The request as it was ordered, without its progress, so that the first response and every replay
/// are the same.
fn replay(made: IdempotentResult) -> Result<body::ChallengeRequest, ApiError> {
    let request =
        made.request.ok_or_else(|| ApiError::internal("an order's key without an order"))?;
    Ok((&request.as_ordered()).into())
}

/// The order with its defaults and its providers. The app may come from the cache, so it is read
/// from the database before providers are refused.
async fn read_payload(
    api: &WorkspaceApi,
    cached: &App,
    order: &Map<String, Value>,
) -> Result<Payload, ApiError> {
    let order = body::read_order(order).map_err(ApiError::validation)?;
    let given = order.provider_ids.as_deref();
    let select = |app: &App| {
        eligibility::select(given, &app.enabled_providers, &api.catalogue, api.environment)
    };
    let providers = match select(cached) {
        Ok(providers) => providers,
        Err(_possibly_stale) => {
            let app = api.app(&cached.workspace_id, &cached.client_id).await?;
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
            "providerIds was left out, but none of the app's providers can be tested here. Enable \
             one for the app first.",
        ),
        SelectionError::Refused(refusals) => {
            let message = "providerIds names providers that cannot be tested. details.providers \
                           says which, and why.";
            let providers: Vec<_> = refusals.iter().map(body::RefusedProvider::from).collect();
            invalid(message).with_detail("providers", json!(providers))
        }
    }
}
