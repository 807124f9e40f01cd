//! Requests to a provider, bounded in time and size.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder, Response, Url};
use serde::Deserialize;

use crate::error::{loggable, reason_of};
use crate::{Configuration, ConfigurationError, Failure};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);

/// The greatest size of an answer, in bytes. Key sets with certificate chains reach 100 KB.
const MAX_BODY: usize = 512 * 1024;

/// An answer that was read whole.
pub(crate) struct Answer {
    pub(crate) is_success: bool,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
    status: u16,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: String,
}

/// A client for one provider. It follows no redirect: a token endpoint has none, and one could lead
/// inwards.
pub(crate) fn client(
    configuration: &Configuration,
    timeout: Option<Duration>,
) -> Result<Client, ConfigurationError> {
    // Fails if the process has installed a provider before, which is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let error = |problem: &str| ConfigurationError { key: "ca_file", problem: problem.into() };
    let mut builder = Client::builder()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout.unwrap_or(TIMEOUT));
    if let Some(pem) = &configuration.ca_certificates {
        let certificates = Certificate::from_pem_bundle(pem.as_bytes())
            .map_err(|_| error("is no certificate in PEM"))?;
        if certificates.is_empty() {
            return Err(error("has no certificate in PEM"));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|_| error("the certificates cannot be used"))
}

/// Whether a URL may be asked: https, or http at this machine.
pub(crate) fn is_safe(url: &Url) -> bool {
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let has_no_user = url.username().is_empty() && url.password().is_none();
    has_no_user
        && url.fragment().is_none()
        && (url.scheme() == "https" || url.scheme() == "http" && is_local)
}

/// An endpoint from a discovery document.
pub(crate) fn endpoint(name: &str, text: Option<&str>) -> Result<Url, Failure> {
    let text = text.ok_or_else(|| Failure::invalid(format!("discovery has no {name}")))?;
    let url = Url::parse(text).ok().filter(is_safe);
    url.ok_or_else(|| Failure::invalid(format!("{name} in discovery is no https URL")))
}

/// Sends a request and reads the answer. `what` names the endpoint in messages.
pub(crate) async fn send(request: RequestBuilder, what: &str) -> Result<Answer, Failure> {
    let failed = |error: reqwest::Error| Failure::unreachable(describe(what, &error));
    let mut response = request.send().await.map_err(failed)?;
    let (status, content_type) = (response.status(), content_type(&response));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Failure::invalid(format!("{what}: the answer is larger than 512 KiB")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { is_success: status.is_success(), content_type, body, status: status.as_u16() })
}

impl Answer {
    /// The failure that an unsuccessful answer means.
    pub(crate) fn failure(&self, what: &str) -> Failure {
        if self.status >= 500 || self.status == 429 || self.status == 408 {
            return Failure::unreachable(format!("{what} answers {}", self.status));
        }
        match serde_json::from_slice::<ErrorBody>(&self.body) {
            Ok(body) => {
                let detail = format!("{what} answers {}: {}", self.status, loggable(&body.error));
                Failure::new(reason_of(&body.error), detail)
            }
            Err(_) => Failure::invalid(format!("{what} answers {} without JSON", self.status)),
        }
    }
}

fn content_type(response: &Response) -> String {
    let value = response.headers().get(reqwest::header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Says what went wrong without the error's own text, which has the URL with its query.
fn describe(what: &str, error: &reqwest::Error) -> String {
    let problem = if error.is_timeout() {
        "does not answer in time"
    } else if error.is_connect() {
        "cannot be connected to, or its certificate is not trusted"
    } else {
        "breaks off the answer"
    };
    format!("{what} {problem}")
}
