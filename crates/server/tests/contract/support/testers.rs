//! Testers: they join challenges and are verified (§10).

use serde_json::{Value, json};

use super::{TestRequest, TestServer};

/// The outcome of a verification that identified this person.
pub(crate) fn completed(subject: &str) -> Value {
    json!({ "outcome": "completed", "subject": subject })
}

/// The outcome of a verification that identified no one.
pub(crate) fn failed() -> Value {
    json!({ "outcome": "failed" })
}

impl TestServer {
    /// A tester joins with a new browser.
    pub(crate) fn join(&self, challenge_id: &str, provider_id: &str) -> TestRequest {
        let path = format!("/tpas/v1/challenges/{challenge_id}/participations");
        self.request("POST", &path).json(&json!({ "providerId": provider_id, "platform": "ios" }))
    }

    /// The simulated provider reports an outcome; the participation's status.
    pub(crate) async fn simulate(&self, participation: &Value, outcome: &Value) -> String {
        let url = participation["verificationUrl"].as_str().unwrap();
        let result = self.request("POST", url).json(outcome).send().await.expect(200);
        result["status"].as_str().unwrap().to_owned()
    }

    /// A tester joins and is verified as this person; the participation's status.
    pub(crate) async fn join_and_verify(
        &self,
        challenge_id: &str,
        provider_id: &str,
        subject: &str,
    ) -> String {
        let participation = self.join(challenge_id, provider_id).send().await.expect(201);
        self.simulate(&participation, &completed(subject)).await
    }
}
