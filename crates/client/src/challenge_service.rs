use std::time::Duration;

use reqwest::Method;
use wire::challenge::Challenge;
use wire::challenge_service::ScheduleChallenge;
use wire::report::Report;

use crate::ClientError;
use crate::http::{Http, send};

/// The challenge service's service surface (§10).
#[derive(Clone)]
pub struct ChallengeServiceClient(Http);

impl ChallengeServiceClient {
    /// The challenge service of the deployment at `origin`, such as `https://fieldtest.example`. No
    /// call takes longer than `timeout`.
    ///
    /// # Errors
    /// When `origin` is no HTTP URL.
    pub fn new(origin: &str, token: &str, timeout: Duration) -> Result<Self, ClientError> {
        Http::new(origin, Some(token), timeout).map(Self)
    }

    /// Makes the one challenge of a request, or finds it. Safe to repeat.
    ///
    /// # Errors
    /// When it was refused, or not answered.
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
    /// When there is none, or no answer.
    pub async fn challenge(&self, id: &str) -> Result<Challenge, ClientError> {
        Ok(send(self.0.request(Method::GET, &["tpas", "v1", "challenges", id])).await?.body)
    }

    /// Reads a challenge's report.
    ///
    /// # Errors
    /// When there is none, or no answer.
    pub async fn report(&self, id: &str) -> Result<Report, ClientError> {
        Ok(send(self.0.request(Method::GET, &["tpas", "v1", "challenges", id, "report"]))
            .await?
            .body)
    }

    /// Closes a challenge before its time. Safe to repeat.
    ///
    /// # Errors
    /// When there is none, or no answer.
    pub async fn close(&self, id: &str) -> Result<Challenge, ClientError> {
        Ok(send(self.0.request(Method::POST, &["tpas", "v1", "challenges", id, "close"]))
            .await?
            .body)
    }
}
