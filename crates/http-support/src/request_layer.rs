//! The outermost layer: every request and every response passes through it.
//!
//! A request gets its id and its timeout. Every error response becomes the envelope of §3, or a
//! page with the same text for a person in a browser, whether a handler, an extractor, the router,
//! a timeout or a panic made it. Then the access log line is written.
//!
//! This is one layer of our own, not a stack of tower-http's, because the envelope needs a layer
//! anyway that knows the request's id and sees every error, and what tower-http would add to it is
//! two calls (`catch_unwind`, `timeout`). tower-http's request id layer also accepts any value from
//! a client, where §1 wants a UUID, and its trace layer logs no line for a request whose caller
//! hangs up before the answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::ClockAndRng;
use futures_util::FutureExt;
use serde_json::Value;
use wire::error::{ErrorCode, FieldError};

use crate::access_log::AccessLog;
pub use crate::access_log::RequestIdentity;
use crate::client_address::{PeerAddress, TrustedProxies};
use crate::drain;
use crate::error::ApiError;
use crate::metrics::RequestMetrics;
use crate::page::{self, IsPage};
use crate::request_id;

/// The state of the layer.
pub struct RequestLayer {
    /// The source of request ids.
    pub clock_and_rng: ClockAndRng,
    /// Counts and times requests.
    pub metrics: RequestMetrics,
    /// How long a request may take, from its head to its response.
    pub timeout: Duration,
    /// The proxies whose word about a client's address is believed.
    pub trusted_proxies: TrustedProxies,
    /// Whether the access log has the sender's address.
    pub logs_client_address: bool,
}

/// Handles one request. For [`axum::middleware::from_fn_with_state`].
pub async fn request_layer(
    State(layer): State<Arc<RequestLayer>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request_id::of(request.headers(), layer.clock_and_rng.randomness());
    let identity = RequestIdentity::default();
    let peer = request.extensions().get().copied();
    let client =
        peer.map(|PeerAddress(peer)| layer.trusted_proxies.client(peer, request.headers()));
    let logged = client.filter(|_| layer.logs_client_address);
    let log = AccessLog::begin(&id, &request, identity.clone(), logged);
    // The Workspace API answers everybody with the envelope.
    let wants_page =
        page::is_wanted(request.headers()) && !request.uri().path().starts_with("/connect/");
    let is_engineer = request.uri().path().starts_with("/console");
    request.extensions_mut().insert(identity);
    if let Some(client) = client {
        request.extensions_mut().insert(client);
    }
    request.extensions_mut().insert(request_id::RequestId(id.clone()));

    let is_addressed = has_host(&request);
    let request = drain::to_the_end(request);
    let answer = AssertUnwindSafe(async move {
        if is_addressed { next.run(request).await } else { no_host().into_response() }
    })
    .catch_unwind();
    let mut response = match tokio::time::timeout(layer.timeout, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => ApiError::internal("a handler panicked").into_response(),
        Err(_elapsed) => {
            let message = "The answer took too long, so it is not known whether the request was \
                           carried out. Repeat it with the same Idempotency-Key.";
            ApiError::unavailable(message, "the request timed out").into_response()
        }
    };

    let error = error_of(&mut response);
    if let Some(error) = &error {
        let body = if wants_page {
            page::respond_to_error(error, &id, is_engineer)
        } else {
            (error.status(), Json(error.clone().into_envelope(id.clone()))).into_response()
        };
        response = with_headers(body, error, &response);
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(request_id::HEADER, value);
    }
    // Responses are for one caller, and some contain tokens. Handlers override this for what may be
    // cached.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    log.end(&response, error.as_ref(), &layer.metrics);
    response
}

/// Whether the request names one host, as HTTP/1.1 wants (RFC 9112). Two names can mean two things to
/// whatever stands between.
fn has_host(request: &Request) -> bool {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    hosts == 1 || (hosts == 0 && request.version() != Version::HTTP_11)
}

fn no_host() -> ApiError {
    let message = "The request must have one Host header.";
    ApiError::validation(vec![FieldError::invalid("Host", message.to_owned(), &Value::Null)])
}

/// The error in the response's extensions, or the error for a status that the framework answered. A
/// page that a handler made is no error, whatever its status: it says itself what is wrong.
fn error_of(response: &mut Response) -> Option<ApiError> {
    let status = response.status();
    let carried = response.extensions_mut().remove::<ApiError>();
    let is_page = response.extensions().get::<IsPage>().is_some();
    let is_error = !is_page && (status.is_client_error() || status.is_server_error());
    carried.or_else(|| is_error.then(|| ApiError::of_framework(status)))
}

/// The response to an error with the headers that belong to it.
fn with_headers(mut response: Response, error: &ApiError, original: &Response) -> Response {
    let headers = response.headers_mut();
    // The router sets it on a 405.
    if let Some(allow) = original.headers().get(header::ALLOW) {
        headers.insert(header::ALLOW, allow.clone());
    }
    if let Some(retry_after) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, retry_after);
    }
    if error.code() == ErrorCode::AuthInvalidCredentials {
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
    use tower::ServiceExt;

    async fn panicking() {
        panic!("the secret reason")
    }

    async fn answer(timeout: Duration, path: &str) -> (StatusCode, Value) {
        let clock = ManualClock::at(Timestamp::from_millis(0));
        let clock_and_rng =
            ClockAndRng::new(Arc::new(clock), Arc::new(SeededRandomness::from_seed(1)));
        let metrics = RequestMetrics::register(&mut Registry::default());
        let trusted_proxies = TrustedProxies::default();
        let state = Arc::new(RequestLayer {
            clock_and_rng,
            metrics,
            timeout,
            trusted_proxies,
            logs_client_address: false,
        });
        let router = Router::new()
            .route("/panic", get(panicking))
            .route("/silence", get(std::future::pending::<()>))
            .route("/teapot", get(|| async { StatusCode::IM_A_TEAPOT }))
            .route("/gateway", get(|| async { (StatusCode::BAD_GATEWAY, "the secret reason") }))
            .layer(middleware::from_fn_with_state(state, request_layer));
        let request = axum::http::Request::builder()
            .uri(path)
            .header("host", "test")
            .body(Body::empty())
            .unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn every_error_is_answered_with_the_envelope_and_without_the_cause() {
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
