//! Production tests of the demo's app: ordered, read and cancelled (§5 to §8).

use serde_json::{Value, json};

use super::{TestResponse, TestServer};

/// The apps of a workspace.
pub(crate) const APPS: &str = "/connect/v1/apps";

/// The demo's app.
pub(crate) const APP: &str = "/connect/v1/apps/FK5b0KSM";

/// The production tests of the demo's app.
pub(crate) const TESTS: &str = "/connect/v1/apps/FK5b0KSM/production-tests";

/// The production tests of another app.
pub(crate) fn tests_of(client_id: &str) -> String {
    format!("{APPS}/{client_id}/production-tests")
}

/// The id in a response.
pub(crate) fn id_of(thing: &Value) -> &str {
    thing["id"].as_str().expect("an id")
}

impl TestServer {
    pub(crate) async fn order(&self, order: &Value) -> TestResponse {
        self.post(TESTS).json(order).send().await
    }

    pub(crate) async fn order_with_key(&self, key: &str, order: &Value) -> TestResponse {
        self.post(TESTS).idempotency_key(key).json(order).send().await
    }

    /// Orders a test for one stamp with BankID; the id of the request.
    pub(crate) async fn order_bankid(&self) -> String {
        let order = json!({ "title": "BankID", "providerIds": ["bankidse"], "maxStamps": 1 });
        id_of(&self.order(&order).await.expect(201)).to_owned()
    }

    /// Orders a test and hands it over; the id of the challenge.
    pub(crate) async fn order_and_schedule(&self, order: &Value) -> String {
        let request = self.order(order).await.expect(201);
        self.run_background_tasks().await;
        let test = self.show(id_of(&request)).await;
        test["challengeId"].as_str().expect("a scheduled test has a challenge id").to_owned()
    }

    /// Reads one test.
    pub(crate) async fn show(&self, id: &str) -> Value {
        self.get(&format!("{TESTS}/{id}")).send().await.expect(200)
    }

    /// Reads all tests of the demo's app.
    pub(crate) async fn list(&self) -> Vec<Value> {
        self.get(TESTS).send().await.expect(200).as_array().unwrap().clone()
    }

    pub(crate) async fn report(&self, challenge_id: &str) -> Value {
        self.get(&format!("{TESTS}/{challenge_id}/report")).send().await.expect(200)
    }

    pub(crate) async fn cancel(&self, id: &str) -> TestResponse {
        self.post(&format!("{TESTS}/{id}/cancel")).send().await
    }

    pub(crate) async fn retry(&self, id: &str) -> TestResponse {
        self.post(&format!("{TESTS}/{id}/retry")).send().await
    }

    pub(crate) async fn delete_app(&self) -> TestResponse {
        self.authorized("DELETE", APP).send().await
    }
}
