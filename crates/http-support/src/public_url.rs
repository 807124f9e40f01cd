//! At which URL people reach this deployment (§13).

use axum::http::{HeaderMap, header};

/// The operator's public URL or, without one, the URL that each request was sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    given: Option<String>,
    scheme: &'static str,
}

impl PublicUrl {
    /// `given` is the operator's, without a slash at the end. Without it, URLs begin with `https` if
    /// this server `ends_tls` itself.
    #[must_use]
    pub fn new(given: Option<String>, ends_tls: bool) -> Self {
        Self { given, scheme: if ends_tls { "https" } else { "http" } }
    }

    /// The URL without a slash at the end, for the answer to a request with these headers.
    #[must_use]
    pub fn for_request(&self, headers: &HeaderMap) -> String {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let requested = || format!("{}://{}", self.scheme, host.unwrap_or_default());
        self.given.clone().unwrap_or_else(requested)
    }
}
