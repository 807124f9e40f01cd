//! The testers' part of the challenge service's API (§10).

use std::time::Duration;

use reqwest::Method;
use wire::participation::{JoinChallenge, OpenChallenge, Participation, StartedParticipation};
use wire::production_test::Platform;
use wire::verification::{SimulateVerification, VerificationResult};

use crate::ClientError;
use crate::http::{Http, send};

/// The timeout of every call.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A client of the testers' endpoints (§10). It stores no cookies, so the server takes every call
/// for a new browser. It never retries.
#[derive(Clone)]
pub struct Tester(Http);

impl Tester {
    /// A client of the deployment at `origin`, such as `https://fieldtest.example`.
    ///
    /// # Errors
    /// When `origin` is not an HTTP URL.
    pub fn new(origin: &str) -> Result<Self, ClientError> {
        Http::new(origin, None, TIMEOUT).map(Self)
    }

    /// Lists the challenges that testers can join, with any platform or with this one.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn open_challenges(
        &self,
        platform: Option<Platform>,
    ) -> Result<Vec<OpenChallenge>, ClientError> {
        let request = self.0.request(Method::GET, &["tpas", "v1", "challenges", "open"]);
        Ok(send(request.query(&[("platform", platform)])).await?.body)
    }

    /// Joins a challenge.
    ///
    /// # Errors
    /// When the challenge cannot be joined, or there is no response.
    pub async fn join(
        &self,
        challenge_id: &str,
        request: &JoinChallenge,
    ) -> Result<StartedParticipation, ClientError> {
        let path = ["tpas", "v1", "challenges", challenge_id, "participations"];
        Ok(send(self.0.request(Method::POST, &path).json(request)).await?.body)
    }

    /// Reads a participation with the token that [`Tester::join`] returned.
    ///
    /// # Errors
    /// When the token is not that of the participation, or there is no response.
    pub async fn participation(&self, id: &str, token: &str) -> Result<Participation, ClientError> {
        let request = self.0.request(Method::GET, &["tpas", "v1", "participations", id]);
        Ok(send(request.bearer_auth(token)).await?.body)
    }

    /// Ends a verification on the sandbox simulator's page. `verification_url` is that of the
    /// participation.
    ///
    /// # Errors
    /// When the URL is not valid, or there is no response.
    pub async fn simulate(
        &self,
        verification_url: &str,
        outcome: &SimulateVerification,
    ) -> Result<VerificationResult, ClientError> {
        Ok(send(self.0.request_url(Method::POST, verification_url).json(outcome)).await?.body)
    }
}
