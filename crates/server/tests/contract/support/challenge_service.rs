//! The challenge service of a test's servers.

use serde_json::{Value, json};

use super::TestServer;

/// The token of the service surface.
pub(crate) const SERVICE_TOKEN: &str = "service-token-of-the-tests";

/// The secret with which verifiers sign.
pub(crate) const VERIFICATION_SECRET: &str = "verification-secret-of-the-tests";

impl TestServer {
    /// A server that uses the challenge service of another one over HTTP.
    pub(crate) async fn start_beside(service: &Self) -> Self {
        let url = service.url.clone();
        Self::start_with(|config| config.tpas_url = Some(url)).await
    }

    /// The challenges that testers can join.
    pub(crate) async fn open_challenges(&self) -> Vec<Value> {
        let response = self.request("GET", "/tpas/v1/challenges/open").send().await;
        response.expect(200).as_array().unwrap().clone()
    }

    /// Creates the challenge of a request here, as an attempt does whose response gets lost.
    pub(crate) async fn create_challenge(&self, request_id: &str) {
        let body = json!({ "title": "BankID", "providerIds": ["bankidse"], "maxStampClaims": 1,
            "hostName": "Acme Bank" });
        let path = format!("/tpas/v1/challenge-requests/{request_id}");
        self.request("PUT", &path).bearer(SERVICE_TOKEN).json(&body).send().await.expect(201);
    }

    /// Closes a challenge, as the scheduler does.
    pub(crate) async fn close_challenge(&self, challenge_id: &str) -> Value {
        let path = format!("/tpas/v1/challenges/{challenge_id}/close");
        self.request("POST", &path).bearer(SERVICE_TOKEN).send().await.expect(200)
    }
}
