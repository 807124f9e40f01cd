//! The challenge service's API for the scheduler (§10).

use std::time::Duration;

use reqwest::Method;
use wire::challenge::Challenge;
use wire::challenge_service::ScheduleChallenge;
use wire::outcomes::Outcomes;
use wire::production_test::UpdateProductionTest;
use wire::report::Report;
use wire::verifier::Verifier;

use crate::ClientError;
use crate::http::{Http, send_small};

/// A client of the challenge service's API for the scheduler (§10). It never retries.
#[derive(Clone)]
pub struct ChallengeServiceClient(Http);

impl ChallengeServiceClient {
    /// A client of the challenge service at `origin`, such as `https://fieldtest.example`, with or
    /// without `/tpas/v1` at its end. `token` is its service token, and every call times out after
    /// `timeout`.
    ///
    /// # Errors
    /// When `origin` is not an HTTP URL.
    pub fn new(origin: &str, token: &str, timeout: Duration) -> Result<Self, ClientError> {
        let origin = origin.trim_end_matches('/');
        let origin = origin.strip_suffix("/tpas/v1").unwrap_or(origin);
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
        send_small(self.0.request(Method::PUT, &path).json(challenge)).await
    }

    /// Reads a challenge.
    ///
    /// # Errors
    /// When there is no such challenge, or no response.
    pub async fn challenge(&self, id: &str) -> Result<Challenge, ClientError> {
        send_small(self.0.request(Method::GET, &["tpas", "v1", "challenges", id])).await
    }

    /// Reads a challenge's report.
    ///
    /// # Errors
    /// When there is no such challenge, or no response.
    pub async fn report(&self, id: &str) -> Result<Report, ClientError> {
        send_small(self.0.request(Method::GET, &["tpas", "v1", "challenges", id, "report"])).await
    }

    /// Reads a challenge's outcomes.
    ///
    /// # Errors
    /// When there is no such challenge, or no response.
    pub async fn outcomes(&self, id: &str) -> Result<Outcomes, ClientError> {
        send_small(self.0.request(Method::GET, &["tpas", "v1", "challenges", id, "outcomes"])).await
    }

    /// Lists the verifiers, and how it goes with them.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn verifiers(&self) -> Result<Vec<Verifier>, ClientError> {
        send_small(self.0.request(Method::GET, &["tpas", "v1", "verifiers"])).await
    }

    /// Gives a challenge more room and more time. Idempotent.
    ///
    /// # Errors
    /// When there is no such challenge, the update is refused, or there is no response.
    pub async fn update(
        &self,
        id: &str,
        update: &UpdateProductionTest,
    ) -> Result<Challenge, ClientError> {
        let path = ["tpas", "v1", "challenges", id];
        send_small(self.0.request(Method::PATCH, &path).json(update)).await
    }

    /// Closes a challenge before it expires. Idempotent.
    ///
    /// # Errors
    /// When there is no such challenge, or no response.
    pub async fn close(&self, id: &str) -> Result<Challenge, ClientError> {
        send_small(self.0.request(Method::POST, &["tpas", "v1", "challenges", id, "close"])).await
    }
}
