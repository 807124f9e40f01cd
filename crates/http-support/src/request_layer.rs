//! The outermost layer: every request passes here once on its way in and once on its way out.
//!
//! On the way in it gets its id and its time limit. On the way out every error becomes the envelope
//! of §3, whoever made it: a handler, an extractor, the router, a time-out or a panic. Then the one
//! log line is written.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use wire::error::ErrorCode;

use crate::access_log::AccessLog;
pub use crate::access_log::RequestIdentity;
use crate::error::ApiError;
use crate::metrics::RequestMetrics;
use crate::request_id;
use domain::ClockAndRng;

/// What the layer needs.
///
/// It is one layer of our own instead of several of tower-http: panics, time-outs and the errors of
/// the framework have to end in one envelope and one log line, and each layer would box the
/// response.
pub struct RequestLayer {
    /// Makes request ids.
    pub clock_and_rng: ClockAndRng,
    /// Counts and times requests.
    pub metrics: RequestMetrics,
    /// From a request's head to its answer.
    pub time_limit: Duration,
}

/// Handles one request.
pub async fn request_layer(
    State(layer): State<Arc<RequestLayer>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request_id::of(request.headers(), layer.clock_and_rng.randomness());
    let identity = RequestIdentity::default();
    let log = AccessLog::begin(&id, &request, identity.clone());
    request.extensions_mut().insert(identity);
    request.extensions_mut().insert(request_id::RequestId(id.clone()));

    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match tokio::time::timeout(layer.time_limit, answer).await {
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
    // Answers are about one caller and one moment, and some carry tokens; what may be kept says so
    // itself.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    log.end(&response, error.as_ref(), &layer.metrics);
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::StatusCode;
    use axum::routing::get;
    use axum::{Router, middleware};
    use domain::{ManualClock, SeededRandomness, Timestamp};
    use prometheus_client::registry::Registry;
    use serde_json::Value;
    use tower::ServiceExt;

    async fn panicking() {
        panic!("the secret reason")
    }

    async fn answer(time_limit: Duration, path: &str) -> (StatusCode, Value) {
        let clock = ManualClock::at(Timestamp::from_millis(0));
        let clock_and_rng =
            ClockAndRng::new(Arc::new(clock), Arc::new(SeededRandomness::from_seed(1)));
        let metrics = RequestMetrics::register(&mut Registry::default());
        let state = Arc::new(RequestLayer { clock_and_rng, metrics, time_limit });
        let router = Router::new()
            .route("/panic", get(panicking))
            .route("/silence", get(std::future::pending::<()>))
            .route("/teapot", get(|| async { StatusCode::IM_A_TEAPOT }))
            .route("/gateway", get(|| async { (StatusCode::BAD_GATEWAY, "the secret reason") }))
            .layer(middleware::from_fn_with_state(state, request_layer));
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
            assert_eq!(
                (answered.as_u16(), body["error"]["code"].as_str()),
                (status, Some(code)),
                "{path}"
            );
            assert!(
                body["request_id"].is_string() && !body.to_string().contains("secret"),
                "{body}"
            );
        }
    }
}
