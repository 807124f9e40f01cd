//! The one place that sends requests and makes sense of answers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use wire::error::ErrorEnvelope;

use crate::{ClientError, Retries};

/// How long a connection is kept for the next call: shorter than servers keep theirs, so that none
/// is used that is closing.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// The largest error that is read, in bytes: more than any that fieldtest makes.
const LARGEST_ERROR: usize = 1024 * 1024;

/// A connection pool to one deployment.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    origin: Url,
    token: Option<String>,
}

/// A successful answer with its headers.
pub(crate) struct Answer<T> {
    pub(crate) headers: HeaderMap,
    pub(crate) body: T,
}

impl Http {
    /// A pool for the deployment at `origin`, with `token` as the bearer token. No call takes
    /// longer than `timeout`.
    pub(crate) fn new(
        origin: &str,
        token: Option<&str>,
        timeout: Duration,
    ) -> Result<Self, ClientError> {
        // Another part of the program may have chosen a provider first; theirs is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let origin = Url::parse(origin)
            .map_err(|error| ClientError::NoAnswer(format!("{error} in the URL")))?;
        if !matches!(origin.scheme(), "http" | "https") {
            return Err(ClientError::NoAnswer(
                "the URL must begin with http:// or https://".into(),
            ));
        }
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(timeout)
            .pool_idle_timeout(IDLE_LIMIT)
            .build()
            .map_err(no_answer)?;
        Ok(Self { client, origin, token: token.map(str::to_owned) })
    }

    /// A request to the path of these segments, each encoded.
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

    /// A request to a URL that the server has given.
    pub(crate) fn request_url(&self, method: Method, url: &str) -> RequestBuilder {
        self.client.request(method, url)
    }
}

/// Sends a request and reads the answer.
pub(crate) async fn send<T: DeserializeOwned>(
    request: RequestBuilder,
) -> Result<Answer<T>, ClientError> {
    let response = answered(request).await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.map_err(no_answer)?;
    let unexpected =
        |_| ClientError::UnexpectedAnswer { status, retry_after: retry_after(&headers) };
    let body = serde_json::from_slice(&bytes).map_err(unexpected)?;
    Ok(Answer { headers, body })
}

/// Sends a request; the beginning of a successful answer.
pub(crate) async fn answered(request: RequestBuilder) -> Result<Response, ClientError> {
    let mut response = request.send().await.map_err(no_answer)?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = retry_after(response.headers());
    let unexpected = ClientError::UnexpectedAnswer { status: status.as_u16(), retry_after };
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
        if bytes.len() + chunk.len() > LARGEST_ERROR {
            return Err(unexpected);
        }
        bytes.extend_from_slice(&chunk);
    }
    Err(match serde_json::from_slice::<ErrorEnvelope>(&bytes) {
        Ok(error) => {
            ClientError::Answer { status: status.as_u16(), error: Box::new(error), retry_after }
        }
        Err(_) => unexpected,
    })
}

/// An answer that did not come, or not to its end.
pub(crate) fn cut() -> ClientError {
    ClientError::NoAnswer("the answer was cut off, or took too long".into())
}

/// The same, and again by the rules of `retries`, if there are any. Only for what is safe to
/// repeat.
pub(crate) async fn send_again<T: DeserializeOwned>(
    request: RequestBuilder,
    retries: Option<&Retries>,
) -> Result<Answer<T>, ClientError> {
    send_counted(request, retries, &AtomicU32::new(0)).await
}

/// The same, counting how often it was sent.
pub(crate) async fn send_counted<T: DeserializeOwned>(
    request: RequestBuilder,
    retries: Option<&Retries>,
    sent: &AtomicU32,
) -> Result<Answer<T>, ClientError> {
    // What cannot be copied cannot be sent at all: sending it says why.
    match retries {
        Some(retries) if request.try_clone().is_some() => {
            let attempt = || {
                let copy = request.try_clone().ok_or_else(cannot_be_copied);
                sent.fetch_add(1, Ordering::Relaxed);
                async { send(copy?).await }
            };
            retries.insist(attempt).await
        }
        _ => {
            sent.fetch_add(1, Ordering::Relaxed);
            send(request).await
        }
    }
}

/// Does not happen: a body that has been copied once can be copied again.
fn cannot_be_copied() -> ClientError {
    ClientError::NoAnswer("the request could not be sent again".into())
}

/// `Retry-After` in seconds; its other form, a date, is as good as absent.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What went wrong on the way, without the URL: it may carry a code.
fn no_answer(error: reqwest::Error) -> ClientError {
    let error = error.without_url();
    let kind = if error.is_timeout() {
        "it took too long"
    } else if error.is_connect() {
        "no connection could be made"
    } else {
        "the connection was cut, or the request could not be sent"
    };
    ClientError::NoAnswer(kind.into())
}
