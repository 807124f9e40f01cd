//! The challenge service's API for the scheduler (§10).

use std::time::Duration;

use reqwest::Method;
use wire::challenge::Challenge;
use wire::challenge_service::ScheduleChallenge;
use wire::report::Report;

use crate::ClientError;
use crate::http::{Http, send};

/// A client of the challenge service's API for the scheduler (§10). It never retries.
#[derive(Clone)]
pub struct ChallengeServiceClient(Http);

impl ChallengeServiceClient {
    /// A client of the challenge service at `origin`, such as `https://fieldtest.example`. `token`
    /// is its service token, and every call times out after `timeout`.
    ///
    /// # Errors
    /// When `origin` is not an HTTP URL.
    pub fn new(origin: &str, token: &str, timeout: Duration) -> Result<Self, ClientError> {
        Http::new(origin, Some(token), timeout).map(Self)
    }

    /// Creates the challenge of a request, or returns the existing one. Idempotent.
    ///
    /// # Errors
    /// When the body is refused or there is no response.
    pub async fn schedule(
        &self,
        request_id: &str,
        challenge: &ScheduleChallenge,
    ) -> Result<Challenge, ClientError> {
        let path = ["tpas", "v1", "challenge-requests", request_id];
        Ok(send(self.0.request(Method::PUT, &path).json(challenge)).await?.body)
    }

    /// Reads a challenge.
    ///
    /// # Errors
    /// When there is no such challenge, or no response.
    pub async fn challenge(&self, id: &str) -> Result<Challenge, ClientError> {
        Ok(send(self.0.request(Method::GET, &["tpas", "v1", "challenges", id])).await?.body)
    }

    /// Reads a challenge's report.
    ///
    /// # Errors
    /// When there is no such challenge, or no response.
    pub async fn report(&self, id: &str) -> Result<Report, ClientError> {
        Ok(send(self.0.request(Method::GET, &["tpas", "v1", "challenges", id, "report"]))
            .await?
            .body)
    }

    /// Closes a challenge before it expires. Idempotent.
    ///
    /// # Errors
    /// When there is no such challenge, or no response.
    pub async fn close(&self, id: &str) -> Result<Challenge, ClientError> {
        Ok(send(self.0.request(Method::POST, &["tpas", "v1", "challenges", id, "close"]))
            .await?
            .body)
    }
}
