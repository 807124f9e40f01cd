//! A request, built step by step.

use reqwest::RequestBuilder;
use reqwest::header::HeaderValue;
use serde_json::Value;

use super::{EventStream, TestResponse};

#[must_use]
pub(crate) struct TestRequest(pub(super) RequestBuilder);

impl TestRequest {
    pub(crate) fn bearer(self, token: &str) -> Self {
        Self(self.0.bearer_auth(token))
    }

    pub(crate) fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        Self(self.0.header(name, HeaderValue::from_bytes(value.as_ref()).unwrap()))
    }

    pub(crate) fn idempotency_key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    pub(crate) fn body(self, content_type: &str, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.header("Content-Type", content_type).body(body))
    }

    /// A body without a `Content-Type`.
    pub(crate) fn untyped_body(self, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.body(body))
    }

    pub(crate) async fn send(self) -> TestResponse {
        TestResponse::read(self.respond().await).await
    }

    /// Sends the request; the response must be a stream of events.
    pub(crate) async fn open_stream(self) -> EventStream {
        let opened = self.try_open_stream().await;
        opened.unwrap_or_else(|refusal| panic!("no stream: {}", refusal.text))
    }

    /// Sends the request; the response is a stream of events or an error.
    pub(crate) async fn try_open_stream(self) -> Result<EventStream, TestResponse> {
        let response = self.respond().await;
        if response.status().is_success() {
            Ok(EventStream::read(response))
        } else {
            Err(TestResponse::read(response).await)
        }
    }

    async fn respond(self) -> reqwest::Response {
        self.0.send().await.expect("the server responds")
    }
}
