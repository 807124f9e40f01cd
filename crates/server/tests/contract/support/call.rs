//! One request, built step by step.

use reqwest::RequestBuilder;
use serde_json::Value;

use super::{Answer, Following};

#[must_use]
pub(crate) struct Call(pub(super) RequestBuilder);

impl Call {
    pub(crate) fn key(self, api_key: &str) -> Self {
        Self(self.0.bearer_auth(api_key))
    }

    pub(crate) fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = reqwest::header::HeaderValue::from_bytes(value.as_ref()).unwrap();
        Self(self.0.header(name, value))
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

    /// A body that does not say what it is.
    pub(crate) fn bare_body(self, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.body(body))
    }

    /// Reads the answer as a stream of events; it must be one.
    pub(crate) async fn follow(self) -> Following {
        Following::of(self.0.send().await.expect("the server answers"))
    }

    pub(crate) async fn send(self) -> Answer {
        Answer::read(self.0.send().await.expect("the server answers")).await
    }
}
