//! What a server answers.

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use serde_json::Value;

/// An answer whose invariants have been checked: the request id, and the envelope of an error.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(super) async fn read(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        let answer = Self { status, headers, text };
        answer.check_invariants();
        answer
    }

    /// Every answer has a request id that is a UUID; every error has the envelope, with the same id
    /// in it (§1, §3).
    fn check_invariants(&self) {
        let request_id = self.header("x-request-id").expect("every answer has a request id");
        assert!(uuid::Uuid::parse_str(request_id).is_ok(), "{request_id}");
        if self.status < 400 {
            return;
        }
        let body = self.json();
        assert_eq!(body["request_id"], request_id, "{body}");
        let code: wire::error::ErrorCode =
            serde_json::from_value(body["error"]["code"].clone()).unwrap();
        assert_eq!(code.status(), self.status, "{body}");
        assert!(
            body["error"]["message"].as_str().is_some_and(|message| message.ends_with('.')),
            "{body}"
        );
        assert_eq!(self.status == 401, self.headers.contains_key(WWW_AUTHENTICATE));
        let is_temporary = matches!(self.status, 429 | 503);
        assert!(!is_temporary || self.header("retry-after").is_some(), "{body}");
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// The error of an answer that must have this status and code.
    #[track_caller]
    pub(crate) fn expect_error(&self, status: u16, code: &str) -> Value {
        let error = self.expect(status)["error"].clone();
        assert_eq!(error["code"], code, "{error}");
        error
    }
}
