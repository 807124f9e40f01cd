//! The access log: one line for each request (`docs/logging.md`).

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::response::Response;
use domain::{ApiKeyId, WorkspaceId};

use crate::client_address::ClientAddress;
use crate::error::ApiError;
use crate::metrics::{RequestLabels, RequestMetrics};
use crate::response;

/// Who makes a request, for its access log line. Empty until the credentials are checked. Clones
/// share the value.
#[derive(Clone, Default)]
pub struct RequestIdentity(Arc<OnceLock<(WorkspaceId, ApiKeyId)>>);

impl RequestIdentity {
    /// Records the workspace and the API key. Only the first call has an effect.
    pub fn set(&self, workspace_id: &WorkspaceId, key_id: ApiKeyId) {
        // A request has one caller. A second one would be a bug; the log then keeps the first.
        let _ = self.0.set((workspace_id.clone(), key_id));
    }
}

/// What machines ask every few seconds: while it succeeds, it would fill the log.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The one log line of a request. A request whose caller hangs up before the answer has a line as
/// well, because it may have been carried out.
pub(crate) struct AccessLog {
    start: Instant,
    id: String,
    method: Method,
    route: Arc<str>,
    identity: RequestIdentity,
    /// The sender's address, if it is to be logged.
    client: Option<ClientAddress>,
    is_written: bool,
}

impl AccessLog {
    pub(crate) fn begin(
        id: &str,
        request: &Request,
        identity: RequestIdentity,
        client: Option<ClientAddress>,
    ) -> Self {
        let route =
            request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).into();
        let (start, id, method) = (Instant::now(), id.to_owned(), request.method().clone());
        Self { start, id, method, route, identity, client, is_written: false }
    }

    pub(crate) fn end(
        mut self,
        response: &Response,
        error: Option<&ApiError>,
        metrics: &RequestMetrics,
    ) {
        let status = response.status().as_u16();
        self.write(status, response.headers().contains_key(response::REPLAYED), error);
        let route = Arc::clone(&self.route);
        let labels = RequestLabels { method: method_label(&self.method), route, status };
        let seconds = self.start.elapsed().as_secs_f64();
        metrics.answered(&labels, error.map(ApiError::code), seconds);
    }

    fn write(&mut self, status: u16, is_replay: bool, error: Option<&ApiError>) {
        self.is_written = true;
        let log = &*self;
        let Self { id, method, .. } = log;
        let route = &*log.route;
        let error_code = error.map(|error| error.code().as_str());
        let idempotent_replay = is_replay.then_some(true);
        let cause = error.and_then(ApiError::cause);
        let client = log.client.map(tracing::field::display);
        // The fields are formatted only if the level is enabled.
        if status == 500 {
            tracing::error!(
                request_id = id, %method, route, status, duration_ms = log.duration_ms(),
                workspace = log.workspace(), key_id = log.key_id(), client, error_code, cause, "request"
            );
        } else if cause.is_some() && !error.is_some_and(ApiError::is_outage) {
            tracing::warn!(
                request_id = id, %method, route, status, duration_ms = log.duration_ms(),
                workspace = log.workspace(), key_id = log.key_id(), client, error_code, cause, "request"
            );
        } else if status == 200 && PROBES.contains(&route) {
            tracing::debug!(
                request_id = id, %method, route, status, duration_ms = log.duration_ms(),
                client, "request"
            );
        } else {
            tracing::info!(
                request_id = id, %method, route, status, duration_ms = log.duration_ms(),
                workspace = log.workspace(), key_id = log.key_id(), client, error_code,
                idempotent_replay, cause, "request"
            );
        }
    }

    fn workspace(&self) -> Option<&str> {
        self.identity.0.get().map(|(workspace_id, _)| workspace_id.as_str())
    }

    fn key_id(&self) -> Option<String> {
        self.identity.0.get().map(|(_, key_id)| key_id.to_string())
    }

    /// Milliseconds, to the microsecond.
    fn duration_ms(&self) -> f64 {
        (self.start.elapsed().as_secs_f64() * 1_000_000.0).round() / 1000.0
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        if self.is_written {
            return;
        }
        let Self { id, method, .. } = &*self;
        let route = &*self.route;
        let (duration_ms, workspace, key_id) =
            (self.duration_ms(), self.workspace(), self.key_id());
        let client = self.client.map(tracing::field::display);
        tracing::info!(
            request_id = id, %method, route, duration_ms, workspace, key_id, client,
            "request abandoned by its caller"
        );
    }
}

/// The method as a metric label. Callers can invent methods, and each value is a time series of its
/// own, so unusual methods share one.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
