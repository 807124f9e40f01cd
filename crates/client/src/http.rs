//! Sends requests and decodes responses.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use wire::error::ErrorEnvelope;

use crate::{ClientError, Retries};

/// How long an idle connection stays in the pool: shorter than servers keep it open, so that no
/// request is sent on a connection that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest body of an error, and of an answer that is small, in bytes. Those of fieldtest are
/// smaller.
const MAX_SMALL_SIZE: usize = 1024 * 1024;

/// A connection pool for one deployment. Clones share it.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    origin: Url,
    token: Option<String>,
}

/// The headers and the decoded body of a successful response.
pub(crate) struct Decoded<T> {
    pub(crate) headers: HeaderMap,
    pub(crate) body: T,
}

impl Http {
    /// A pool for the deployment at `origin`. Requests have `token` as bearer token and time out
    /// after `timeout`.
    pub(crate) fn new(
        origin: &str,
        token: Option<&str>,
        timeout: Duration,
    ) -> Result<Self, ClientError> {
        // Fails if the process has installed a provider before, which is then used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let origin = Url::parse(origin)
            .map_err(|error| ClientError::NoResponse(format!("{error} in the URL")))?;
        if !matches!(origin.scheme(), "http" | "https") {
            return Err(ClientError::NoResponse(
                "the URL must begin with http:// or https://".into(),
            ));
        }
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build()
            .map_err(no_response)?;
        Ok(Self { client, origin, token: token.map(str::to_owned) })
    }

    /// A request to the path of these segments, which are percent-encoded.
    pub(crate) fn request(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        let mut url = self.origin.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        let request = self.client.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// A request to a URL from a response, without the bearer token.
    pub(crate) fn request_url(&self, method: Method, url: &str) -> RequestBuilder {
        self.client.request(method, url)
    }
}

/// Sends a request and decodes the response.
pub(crate) async fn send<T: DeserializeOwned>(
    request: RequestBuilder,
) -> Result<Decoded<T>, ClientError> {
    let response = send_for_response(request).await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.map_err(no_response)?;
    let unexpected =
        |_| ClientError::UnexpectedResponse { status, retry_after: retry_after(&headers) };
    let body = serde_json::from_slice(&bytes).map_err(unexpected)?;
    Ok(Decoded { headers, body })
}

/// [`send`] for a response that is small: a body of more than 1 MiB is none of fieldtest's.
pub(crate) async fn send_small<T: DeserializeOwned>(
    request: RequestBuilder,
) -> Result<T, ClientError> {
    let response = send_for_response(request).await?;
    let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
    let unexpected = || ClientError::UnexpectedResponse { status, retry_after };
    let bytes = read_small(response).await?.ok_or_else(unexpected)?;
    serde_json::from_slice(&bytes).map_err(|_| unexpected())
}

/// Reads a body; `None` if it is larger than [`MAX_SMALL_SIZE`].
async fn read_small(mut response: Response) -> Result<Option<Vec<u8>>, ClientError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(no_response)? {
        if bytes.len() + chunk.len() > MAX_SMALL_SIZE {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

/// Sends a request and returns a successful response, its body unread.
pub(crate) async fn send_for_response(request: RequestBuilder) -> Result<Response, ClientError> {
    let response = request.send().await.map_err(no_response)?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = retry_after(response.headers());
    let unexpected = ClientError::UnexpectedResponse { status: status.as_u16(), retry_after };
    let Some(bytes) = read_small(response).await? else { return Err(unexpected) };
    Err(match serde_json::from_slice::<ErrorEnvelope>(&bytes) {
        Ok(error) => ClientError::ErrorResponse {
            status: status.as_u16(),
            error: Box::new(error),
            retry_after,
        },
        Err(_) => unexpected,
    })
}

/// The error for an event stream that was interrupted or did not start in time.
pub(crate) fn interrupted() -> ClientError {
    ClientError::NoResponse("the stream was interrupted, or it took too long".into())
}

/// [`send`] with retries, if there are any. Only for idempotent requests.
pub(crate) async fn send_with_retries<T: DeserializeOwned>(
    request: RequestBuilder,
    retries: Option<&Retries>,
) -> Result<Decoded<T>, ClientError> {
    send_counting_attempts(request, retries, &AtomicU32::new(0)).await
}

/// [`send_with_retries`], adding the number of attempts to `attempts`.
pub(crate) async fn send_counting_attempts<T: DeserializeOwned>(
    request: RequestBuilder,
    retries: Option<&Retries>,
    attempts: &AtomicU32,
) -> Result<Decoded<T>, ClientError> {
    // A request that cannot be cloned is invalid. Sending it returns the reason.
    match retries {
        Some(retries) if request.try_clone().is_some() => {
            let attempt = || {
                let copy = request.try_clone().ok_or_else(cannot_be_cloned);
                attempts.fetch_add(1, Ordering::Relaxed);
                async { send(copy?).await }
            };
            retries.run(attempt).await
        }
        _ => {
            attempts.fetch_add(1, Ordering::Relaxed);
            send(request).await
        }
    }
}

/// Does not happen: the request was cloned before.
fn cannot_be_cloned() -> ClientError {
    ClientError::NoResponse("the request could not be sent again".into())
}

/// The `Retry-After` of a response in seconds. A date, the other format, is ignored.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The error without its URL, which can contain a code.
fn no_response(error: reqwest::Error) -> ClientError {
    let error = error.without_url();
    let reason = if error.is_timeout() {
        "it took too long"
    } else if error.is_connect() {
        "no connection could be made"
    } else {
        "the connection was cut, or the request could not be sent"
    };
    ClientError::NoResponse(format!("{reason}{}", through_proxies()))
}

/// Says which variables of the environment lead requests through a proxy, because whoever reads the error
/// may not think of them. Their values may contain a password.
fn through_proxies() -> String {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let names =
        ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let set: Vec<&str> = names.into_iter().filter(is_set).collect();
    match set.as_slice() {
        [] => String::new(),
        set => format!(" (requests go through the proxy of {})", set.join(" and ")),
    }
}
