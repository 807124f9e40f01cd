//! The provider's discovery document.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::{Failure, http};
use domain::ClockAndRng;

/// How long a document is used.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// How long an old document is used when no new one can be had.
const LIFETIME_IN_AN_OUTAGE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long after a failure nobody asks again: testers who come during an outage must not flood the
/// provider, nor wait for one timeout after another.
const PAUSE_AFTER_A_FAILURE: Duration = Duration::from_secs(5);

/// The members of a discovery document that are used.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Document {
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: Option<String>,
    pub(crate) token_endpoint: Option<String>,
    pub(crate) userinfo_endpoint: Option<String>,
    pub(crate) jwks_uri: Option<String>,
    pub(crate) pushed_authorization_request_endpoint: Option<String>,
    pub(crate) require_pushed_authorization_requests: bool,
    pub(crate) authorization_response_iss_parameter_supported: bool,
    pub(crate) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    pub(crate) token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    pub(crate) id_token_signing_alg_values_supported: Option<Vec<String>>,
    pub(crate) code_challenge_methods_supported: Option<Vec<String>>,
    pub(crate) scopes_supported: Option<Vec<String>>,
    pub(crate) acr_values_supported: Option<Vec<String>>,
}

/// The cached document. One caller fetches it while the others wait for the result.
pub(crate) struct Discovery {
    issuer: String,
    cached: Mutex<Cached>,
}

#[derive(Default)]
struct Cached {
    document: Option<(Arc<Document>, Duration)>,
    failure: Option<(Failure, Duration)>,
}

impl Discovery {
    pub(crate) fn new(issuer: String) -> Self {
        Self { issuer, cached: Mutex::default() }
    }

    /// The document, fetched if there is none or it is old. The flag says whether it was fetched.
    pub(crate) async fn get(
        &self,
        client: &Client,
        clock: &ClockAndRng,
    ) -> Result<(Arc<Document>, bool), Failure> {
        let mut cached = self.cached.lock().await;
        let is_younger = |since: Duration, than| clock.elapsed().saturating_sub(since) < than;
        if let Some((document, since)) = &cached.document
            && is_younger(*since, LIFETIME)
        {
            return Ok((Arc::clone(document), false));
        }
        let pause = cached.failure.clone().filter(|(_, at)| is_younger(*at, PAUSE_AFTER_A_FAILURE));
        let result = match pause {
            Some((failure, _)) => Err(failure),
            None => self.fetch(client).await,
        };
        match result {
            Ok(document) => {
                let document = Arc::new(document);
                cached.document = Some((Arc::clone(&document), clock.elapsed()));
                cached.failure = None;
                Ok((document, true))
            }
            Err(failure) => {
                if !cached
                    .failure
                    .as_ref()
                    .is_some_and(|(_, at)| is_younger(*at, PAUSE_AFTER_A_FAILURE))
                {
                    cached.failure = Some((failure.clone(), clock.elapsed()));
                }
                let old = cached.document.as_ref();
                old.filter(|(_, since)| is_younger(*since, LIFETIME_IN_AN_OUTAGE))
                    .map(|(document, _)| (Arc::clone(document), false))
                    .ok_or(failure)
            }
        }
    }

    async fn fetch(&self, client: &Client) -> Result<Document, Failure> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let what = format!("discovery ({url})");
        let answer = http::send(client.get(&url), &what).await?;
        if !answer.is_success {
            return Err(answer.failure(&what));
        }
        let document: Document = serde_json::from_slice(&answer.body)
            .map_err(|_| Failure::invalid(format!("{what} is not a discovery document")))?;
        if document.issuer != self.issuer {
            return Err(Failure::misconfigured(format!(
                "{what} names another issuer than the configured one; both must be the same, \
                 to the last slash"
            )));
        }
        Ok(document)
    }
}
