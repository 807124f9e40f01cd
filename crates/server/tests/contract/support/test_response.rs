//! The response to a request.

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use serde_json::Value;
use wire::error::ErrorCode;

/// A response for which the rules for all responses have been checked.
#[derive(Debug)]
pub(crate) struct TestResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl TestResponse {
    /// Reads the body to its end.
    pub(super) async fn read(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        let response = Self { status, headers, text };
        response.check();
        response
    }

    /// Every response has a request id, which is a UUID (§1). Every error for a program has the
    /// error envelope with the same id, and the headers of its code (§3); a person gets a page.
    fn check(&self) {
        let request_id = self.header("x-request-id").expect("every response has a request id");
        assert!(uuid::Uuid::parse_str(request_id).is_ok(), "{request_id}");
        if self.status < 400 || self.header("content-type") == Some("text/html; charset=utf-8") {
            return;
        }
        assert_eq!(self.header("content-type"), Some("application/json"));
        let body = self.json();
        assert_eq!(body["request_id"], request_id, "{body}");
        let code: ErrorCode = serde_json::from_value(body["error"]["code"].clone()).unwrap();
        assert_eq!(code.status(), self.status, "{body}");
        let message = body["error"]["message"].as_str();
        assert!(message.is_some_and(|message| message.ends_with('.')), "{body}");
        assert_eq!(self.status == 401, self.headers.contains_key(WWW_AUTHENTICATE));
        let is_temporary =
            matches!(self.status, 429 | 503) || code == ErrorCode::IdempotencyRequestInProgress;
        let seconds: Option<u64> = self.header("retry-after").map(|text| text.parse().unwrap());
        assert_eq!(seconds.is_some_and(|seconds| seconds > 0), is_temporary, "{body}");
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Whether this repeats the response to an earlier request with the same idempotency key.
    pub(crate) fn is_replay(&self) -> bool {
        let replayed = self.header("idempotency-replayed");
        assert!(matches!(replayed, None | Some("true")), "{replayed:?}");
        replayed.is_some()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The body of a response that must have this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// The error of a response that must have this status and code.
    #[track_caller]
    pub(crate) fn expect_error(&self, status: u16, code: &str) -> Value {
        let error = self.expect(status)["error"].clone();
        assert_eq!(error["code"], code, "{error}");
        error
    }
}
