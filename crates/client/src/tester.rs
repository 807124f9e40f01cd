use std::time::Duration;

use reqwest::Method;
use wire::participation::{JoinChallenge, OpenChallenge, Participation, StartedParticipation};
use wire::production_test::Platform;
use wire::verification::{SimulateVerification, VerificationResult};

use crate::ClientError;
use crate::http::{Http, send};

/// No answer to a tester takes longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What testers do (§10). Each call comes from a browser that has not been seen before.
#[derive(Clone)]
pub struct Tester(Http);

impl Tester {
    /// A tester of the deployment at `origin`, such as `https://fieldtest.example`.
    ///
    /// # Errors
    /// When `origin` is no HTTP URL.
    pub fn new(origin: &str) -> Result<Self, ClientError> {
        Http::new(origin, None, TIMEOUT).map(Self)
    }

    /// The challenges that can be joined, on this platform if one is named.
    ///
    /// # Errors
    /// When there is no answer.
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
    /// When it cannot be joined, or there is no answer.
    pub async fn join(
        &self,
        challenge_id: &str,
        wish: &JoinChallenge,
    ) -> Result<StartedParticipation, ClientError> {
        let path = ["tpas", "v1", "challenges", challenge_id, "participations"];
        Ok(send(self.0.request(Method::POST, &path).json(wish)).await?.body)
    }

    /// Reads a participation, with its token.
    ///
    /// # Errors
    /// When the token does not open it, or there is no answer.
    pub async fn participation(&self, id: &str, token: &str) -> Result<Participation, ClientError> {
        let request = self.0.request(Method::GET, &["tpas", "v1", "participations", id]);
        Ok(send(request.bearer_auth(token)).await?.body)
    }

    /// Plays the person on the sandbox simulator's page.
    ///
    /// # Errors
    /// When the URL leads nowhere, or there is no answer.
    pub async fn simulate(
        &self,
        verification_url: &str,
        play: &SimulateVerification,
    ) -> Result<VerificationResult, ClientError> {
        Ok(send(self.0.request_url(Method::POST, verification_url).json(play)).await?.body)
    }
}
