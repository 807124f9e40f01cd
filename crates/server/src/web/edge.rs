//! The outermost layer: every request passes here once on its way in and once on its way out.
//!
//! On the way in it gets its id and its time limit. On the way out every error becomes the envelope of §3, whoever made it:
//! a handler, an extractor, the router, a time-out or a panic. Then the one log line is written.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::{ApiKeyId, WorkspaceId};
use futures_util::FutureExt;
use wire::error::ErrorCode;

use super::error::ApiError;
use super::{request_id, response};
use crate::World;
use crate::telemetry::{RequestLabels, RouteLabels, Telemetry};

pub(crate) struct Edge {
    pub(crate) world: World,
    pub(crate) telemetry: Telemetry,
    pub(crate) time_limit: Duration,
}

/// Who is asking, once it is known: for the log line.
#[derive(Clone, Default)]
pub(crate) struct Asker(Arc<OnceLock<(WorkspaceId, ApiKeyId)>>);

impl Asker {
    pub(crate) fn is(&self, workspace_id: &WorkspaceId, key_id: ApiKeyId) {
        // A request has one caller; a second one would be a bug of ours, and the first one is the better guess.
        let _ = self.0.set((workspace_id.clone(), key_id));
    }
}

pub(crate) async fn edge(State(edge): State<Arc<Edge>>, mut request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers(), edge.world.randomness());
    let asker = Asker::default();
    let line = Line::begin(&id, &request, asker.clone());
    request.extensions_mut().insert(asker);
    request.extensions_mut().insert(request_id::RequestId(id.clone()));

    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match tokio::time::timeout(edge.time_limit, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => ApiError::internal("a handler panicked").into_response(),
        Err(_elapsed) => {
            let message = "The answer took too long, so it is not known whether the request was carried out. Repeat it with \
                           the same Idempotency-Key.";
            ApiError::unavailable(message, "the request's time is over").into_response()
        }
    };

    let error = error_of(&mut response);
    if let Some(error) = &error {
        response = envelope(error.clone(), &id, response);
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(request_id::HEADER, value);
    }
    // Answers are about one caller and one moment, and some carry tokens; what may be kept says so itself.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    line.end(&response, error.as_ref(), &edge.telemetry);
    response
}

/// The error that the response carries, or what an error without one means.
fn error_of(response: &mut Response) -> Option<ApiError> {
    let status = response.status();
    let carried = response.extensions_mut().remove::<ApiError>();
    let is_error = status.is_client_error() || status.is_server_error();
    carried.or_else(|| is_error.then(|| ApiError::of_framework(status)))
}

fn envelope(error: ApiError, request_id: &str, original: Response) -> Response {
    let status = error.status();
    let retry_after = error.retry_after();
    let challenge = error.code() == ErrorCode::AuthInvalidCredentials;
    let body = Json(error.into_envelope(request_id.to_owned()));

    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    // The router says which methods a path knows.
    if let Some(allow) = original.headers().get(header::ALLOW) {
        headers.insert(header::ALLOW, allow.clone());
    }
    if let Some(retry_after) = retry_after {
        headers.insert(header::RETRY_AFTER, retry_after);
    }
    if challenge {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// The one log line of a request. One whose caller hangs up before the answer has a line as well: what it asked for may have
/// been done all the same.
struct Line {
    start: Instant,
    id: String,
    method: Method,
    route: Arc<str>,
    asker: Asker,
    is_written: bool,
}

impl Line {
    fn begin(id: &str, request: &Request, asker: Asker) -> Self {
        let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).into();
        let (start, id, method) = (Instant::now(), id.to_owned(), request.method().clone());
        Self { start, id, method, route, asker, is_written: false }
    }

    fn end(mut self, response: &Response, error: Option<&ApiError>, telemetry: &Telemetry) {
        let status = response.status().as_u16();
        self.write(status, response.headers().contains_key(response::REPLAYED), error);
        let route = Arc::clone(&self.route);
        let labels = RequestLabels { method: known_method(&self.method), route: Arc::clone(&route), status };
        telemetry.requests.get_or_create(&labels).inc();
        telemetry.request_seconds.get_or_create(&RouteLabels { route }).observe(self.start.elapsed().as_secs_f64());
    }

    fn write(&mut self, status: u16, is_replay: bool, error: Option<&ApiError>) {
        self.is_written = true;
        let line = &*self;
        let Self { id, method, .. } = line;
        let route = &*line.route;
        let error_code = error.map(|error| error.code().as_str());
        let idempotent_replay = is_replay.then_some(true);
        let cause = error.and_then(ApiError::cause);
        // What costs something is worked out only if somebody reads it.
        if status == 500 {
            tracing::error!(request_id = id, %method, route, status, duration_ms = line.duration_ms(), workspace = line.workspace(), key_id = line.key_id(), error_code, cause, "request");
        } else if cause.is_some() {
            tracing::warn!(request_id = id, %method, route, status, duration_ms = line.duration_ms(), workspace = line.workspace(), key_id = line.key_id(), error_code, cause, "request");
        } else {
            tracing::info!(request_id = id, %method, route, status, duration_ms = line.duration_ms(), workspace = line.workspace(), key_id = line.key_id(), error_code, idempotent_replay, "request");
        }
    }

    fn workspace(&self) -> Option<&str> {
        self.asker.0.get().map(|(workspace_id, _)| workspace_id.as_str())
    }

    fn key_id(&self) -> Option<String> {
        self.asker.0.get().map(|(_, key_id)| key_id.to_string())
    }

    /// Milliseconds, to the microsecond.
    fn duration_ms(&self) -> f64 {
        (self.start.elapsed().as_secs_f64() * 1_000_000.0).round() / 1000.0
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.is_written {
            return;
        }
        let Self { id, method, .. } = &*self;
        let route = &*self.route;
        let (duration_ms, workspace, key_id) = (self.duration_ms(), self.workspace(), self.key_id());
        tracing::info!(request_id = id, %method, route, duration_ms, workspace, key_id, "request abandoned by its caller");
    }
}

/// Callers can make up methods; each would be a series of its own for ever.
fn known_method(method: &Method) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::StatusCode;
    use axum::routing::get;
    use axum::{Router, middleware};
    use domain::{ManualClock, SeededRandomness, Timestamp};
    use serde_json::Value;
    use tower::ServiceExt;

    async fn panicking() {
        panic!("the secret reason")
    }

    async fn answer(time_limit: Duration, path: &str) -> (StatusCode, Value) {
        let clock = ManualClock::at(Timestamp::from_millis(0));
        let world = World::new(Arc::new(clock), Arc::new(SeededRandomness::from_seed(1)));
        let state = Arc::new(Edge { world, telemetry: Telemetry::new(), time_limit });
        let router = Router::new()
            .route("/panic", get(panicking))
            .route("/silence", get(std::future::pending::<()>))
            .route("/teapot", get(|| async { StatusCode::IM_A_TEAPOT }))
            .route("/gateway", get(|| async { (StatusCode::BAD_GATEWAY, "the secret reason") }))
            .layer(middleware::from_fn_with_state(state, edge));
        let request = axum::http::Request::builder().uri(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn whatever_goes_wrong_is_answered_with_the_envelope_and_without_the_cause() {
        for (path, status, code) in [
            ("/panic", 500, "SYSTEM_INTERNAL_ERROR"),
            ("/silence", 503, "SYSTEM_UNAVAILABLE"),
            ("/teapot", 400, "VALIDATION_INVALID_PARAMETER"),
            ("/gateway", 500, "SYSTEM_INTERNAL_ERROR"),
            ("/nowhere", 404, "RESOURCE_NOT_FOUND"),
        ] {
            let (answered, body) = answer(Duration::from_millis(50), path).await;
            assert_eq!((answered.as_u16(), body["error"]["code"].as_str()), (status, Some(code)), "{path}");
            assert!(body["request_id"].is_string() && !body.to_string().contains("secret"), "{body}");
        }
    }
}
