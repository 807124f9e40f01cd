//! §1: what somebody without a key may make the server read.

use serde_json::{Value, json};

use crate::support::{RawRequest, TestServer};

const LIMIT_WITHOUT_KEY: usize = 8 * 1024;

/// Method and path of each operation that reads a body and needs a key or a token.
fn guarded_operations() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&server::openapi_json()).unwrap();
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let needs_key = operation["security"].as_array().is_some_and(|it| !it.is_empty());
            if needs_key && operation.get("requestBody").is_some() {
                found.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    found
}

/// The path with something in place of each parameter.
fn filled(path: &str) -> String {
    let segment = |segment: &str| match segment {
        "{client_id}" => "FK5b0KSM".to_owned(),
        "{request_id}" => "req_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a".to_owned(),
        parameter if parameter.starts_with('{') => {
            "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a".to_owned()
        }
        plain => plain.to_owned(),
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn a_body_without_a_key_is_not_read() {
    let server = TestServer::start().await;
    let operations = guarded_operations();
    assert!(operations.len() >= 13, "{operations:?}");
    for (method, path) in operations {
        let path = filled(&path);
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: 60000\r\n\
             Expect: 100-continue\r\n\r\n"
        );
        // The server does not ask for the body, and does not wait for it.
        let answer = RawRequest::send_text(&server, &head).await.response().await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{method} {path}: {answer}");
    }
}

#[tokio::test]
async fn where_no_key_is_needed_a_body_is_small() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["bankidse"] });
    let challenge = server.order_and_schedule(&order).await;
    let joined = |room: usize| {
        let frame = json!({ "providerId": "bankidse", "platform": "ios", "ignored": "" });
        let length = frame.to_string().len();
        json!({ "providerId": "bankidse", "platform": "ios", "ignored": "x".repeat(room - length) })
    };
    let path = format!("/tpas/v1/challenges/{challenge}/participations");
    let small = server.request("POST", &path).json(&joined(LIMIT_WITHOUT_KEY)).send().await;
    let participation = small.expect(201);
    let large = joined(LIMIT_WITHOUT_KEY + 1);
    let [id, token] = ["id", "token"].map(|name| participation[name].as_str().unwrap());
    for path in [
        path,
        format!("/tpas/v1/participations/{id}/feedback"),
        participation["verificationUrl"].as_str().unwrap().to_owned(),
        "/tpas/v1/verification-events".to_owned(),
    ] {
        let request = server.request("POST", &path).bearer(token);
        let request = request.header("X-Hopae-Signature", "t=1775642400,v1=00");
        let refused = request.json(&large).send().await;
        refused.expect_error(413, "PAYLOAD_TOO_LARGE");
    }
    for path in [format!("/t/{challenge}/participations"), "/console/sign-in".to_owned()] {
        let form = "x".repeat(LIMIT_WITHOUT_KEY + 1);
        let request =
            server.request("POST", &path).header("Origin", format!("http://{}", server.address()));
        let form = request.body("application/x-www-form-urlencoded", form);
        assert_eq!(form.send().await.status, 413, "{path}");
    }
}
