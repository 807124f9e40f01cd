//! Liveness, readiness and metrics (§13).

use std::path::Path;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use db::StoreError;
use domain::ClockAndRng;
use http_support::error::ApiError;
use store_challenge::ChallengeStore;
use store_workspace::WorkspaceStore;
#[cfg(feature = "openapi")]
use utoipa::OpenApi;
use wire::error::ErrorEnvelope;
use wire::health::{Health, Readiness};

use crate::telemetry::{CHALLENGE, Format, Telemetry, WORKSPACE};

/// The part of the OpenAPI document about operations.
#[cfg(feature = "openapi")]
#[derive(OpenApi)]
#[openapi(paths(alive, ready, metrics))]
pub(crate) struct Paths;

/// The state of the handlers.
#[derive(Clone)]
pub(crate) struct Checks {
    pub(crate) workspace: Option<WorkspaceStore>,
    pub(crate) challenge: Option<ChallengeStore>,
    pub(crate) telemetry: Telemetry,
    pub(crate) data_directory: Arc<Path>,
    pub(crate) clock_and_rng: ClockAndRng,
}

pub(crate) fn routes(checks: Checks) -> Router {
    Router::new()
        .route("/healthz", routing::get(alive))
        .route("/readyz", routing::get(ready))
        .route("/metrics", routing::get(metrics))
        .with_state(checks)
}

/// Whether the process is alive
///
/// Reads nothing: it says only that the process answers.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "readHealth",
    tag = "Operations",
    responses((status = 200, description = "It is alive", body = Health)),
)]
pub(crate) async fn alive() -> Json<Health> {
    Json(Health { status: "ok".into() })
}

/// Whether the process is ready
///
/// Reads and writes each database that it uses, which also shows that the tables are up to date.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readReadiness",
    tag = "Operations",
    responses(
        (status = 200, description = "It is ready", body = Readiness),
        (status = 503, description = "It is not; the message says why", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn ready(State(checks): State<Checks>) -> Result<Json<Readiness>, ApiError> {
    if let Some(store) = &checks.workspace {
        store.database().check().await.map_err(|error| not_ready("connect", error))?;
    }
    if let Some(store) = &checks.challenge {
        store.database().check().await.map_err(|error| not_ready("tpas", error))?;
    }
    let warnings = match checks.telemetry.service_health.needs_operator() {
        true => vec![ORDERS_STAY_PENDING.to_owned()],
        false => Vec::new(),
    };
    Ok(Json(Readiness { status: "ready".into(), warnings }))
}

/// The process serves all the same: orders are kept, and handed over once this is mended.
const ORDERS_STAY_PENDING: &str = "Orders stay pending: what answers at --tpas-url is no challenge \
                                   service, or refuses the token. The log says what it answers.";

fn not_ready(store: &str, error: StoreError) -> ApiError {
    let problem = match &error {
        StoreError::Unavailable { reason, .. } => reason.to_string(),
        StoreError::Overloaded | StoreError::Closed | StoreError::Internal(_) => {
            "cannot be read and written".into()
        }
    };
    ApiError::unavailable(&format!("The {store} database {problem} at the moment."), error)
}

/// Counters, gauges and timers, for Prometheus
///
/// In the OpenMetrics format if `Accept` prefers it, and otherwise in Prometheus' text format.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "readMetrics",
    tag = "Operations",
    responses((status = 200, description = "The metrics", content(
        (String = "text/plain"),
        (String = "application/openmetrics-text"),
    ))),
)]
pub(crate) async fn metrics(
    State(checks): State<Checks>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let watched = &checks.telemetry.watched;
    watched.look_around(&checks.data_directory, checks.clock_and_rng.now());
    if let Some(store) = &checks.workspace {
        watched.look_at_store(WORKSPACE, store.database());
    }
    if let Some(store) = &checks.challenge {
        watched.look_at_store(CHALLENGE, store.database());
    }
    let format = Format::wanted(&headers);
    let text = checks.telemetry.render(format).map_err(ApiError::internal)?;
    let described =
        [(header::CONTENT_TYPE, format.content_type()), (header::VARY, header::ACCEPT.as_str())];
    Ok((described, text).into_response())
}
