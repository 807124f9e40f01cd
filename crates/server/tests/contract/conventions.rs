//! §1 and §3: what every answer is like, whoever made it.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{TESTS, TestServer};

const LIMIT: usize = 64 * 1024;

/// An order of exactly this many bytes.
fn order_of(bytes: usize) -> String {
    let frame = r#"{"title":"BankID","unknown":""}"#;
    frame.replace(r#""""#, &format!("\"{}\"", "x".repeat(bytes - frame.len())))
}

#[tokio::test]
async fn a_body_of_64_kib_is_read_and_one_byte_more_is_too_large() {
    let site = TestServer::start().await;
    site.post(TESTS).body("application/json", order_of(LIMIT)).send().await.expect(201);
    let refused = site.post(TESTS).body("application/json", order_of(LIMIT + 1)).send().await;
    refused.expect_error(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let site = TestServer::start().await;
    for body in [
        "",
        "{",
        "nonsense",
        "[]",
        "\"title\"",
        "null",
        "1",
        "{\"title\":\"\\ud800\"}",
        "{\"title\":\"a\"}x",
    ] {
        let error = site.post(TESTS).body("application/json", body).send().await;
        let error = error.expect_error(400, "VALIDATION_INVALID_PARAMETER");
        assert_eq!(error["details"]["parameter"], "body", "{body}");
    }
    let not_utf8 = site.post(TESTS).body("application/json", vec![b'"', 0xff, b'"']).send().await;
    not_utf8.expect_error(400, "VALIDATION_INVALID_PARAMETER");
}

#[tokio::test]
async fn a_body_must_not_be_declared_as_anything_but_json() {
    let site = TestServer::start().await;
    let order = json!({ "title": "BankID" }).to_string();
    for other in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "json",
    ] {
        let refused = site.post(TESTS).body(other, order.clone()).send().await;
        refused.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    for json in ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.acme+json"]
    {
        site.post(TESTS).body(json, order.clone()).send().await.expect(201);
    }
    site.post(TESTS).bare_body(order).send().await.expect(201);
}

#[tokio::test]
async fn head_is_answered_wherever_get_is_without_a_body() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x" })).await;
    for path in [
        "/healthz".into(),
        "/readyz".into(),
        "/openapi.json".into(),
        "/connect/v1/workspace".into(),
        "/connect/v1/apps/FK5b0KSM".into(),
        TESTS.to_owned(),
        format!("{TESTS}/{challenge}"),
        format!("{TESTS}/{challenge}/report"),
        "/tpas/v1/challenges/open".into(),
    ] {
        let got = site.get(&path).send().await;
        let head = site.call("HEAD", &path).key(&site.api_key).send().await;
        assert_eq!((got.status, head.status, &*head.text), (200, 200, ""), "{path}");
        for header in ["content-type", "content-length"] {
            assert_eq!(head.header(header), got.header(header), "{path}");
        }
    }
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let site = TestServer::start().await;
    for path in [
        "/nothing",
        "/connect/v1",
        "/connect/v1/apps/FK5b0KSM/production-testz",
        "/connect/v2/x",
        "/tpas/v1/x",
        "//",
    ] {
        site.get(path).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    }
    for malformed in ["%ff", "a%20b", "FK5b0KS", "FK5b0KSMM", "..%2f"] {
        let path = format!("/connect/v1/apps/{malformed}/production-tests");
        site.get(&path).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_known_path_names_the_methods_that_it_knows() {
    let site = TestServer::start().await;
    for (path, allow) in [
        (TESTS.to_owned(), "GET,HEAD,POST"),
        (format!("{TESTS}/req_x"), "GET,HEAD"),
        ("/tpas/v1/verification-events".into(), "POST"),
        ("/healthz".into(), "GET,HEAD"),
    ] {
        for method in ["DELETE", "PATCH", "TRACE", "PROPFIND"] {
            let refused = site.call(method, &path).send().await;
            refused.expect_error(405, "METHOD_NOT_ALLOWED");
            assert_eq!(refused.header("allow"), Some(allow), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_valid_request_id_is_kept_and_any_other_replaced() {
    let site = TestServer::start().await;
    let given = "228aaefb-3ce2-4dd0-a73b-b96f71c5779f";
    let kept = site.get(TESTS).header("X-Request-Id", given).send().await;
    assert_eq!(kept.header("x-request-id"), Some(given));
    let kept_in_an_error = site.get("/nothing").header("X-Request-Id", given).send().await;
    assert_eq!(kept_in_an_error.json()["request_id"], given);
    for other in ["", "1", "228aaefb3ce24dd0a73bb96f71c5779f", "<script>"] {
        let replaced = site.get(TESTS).header("X-Request-Id", other).send().await;
        assert_ne!(replaced.header("x-request-id"), Some(other));
    }
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_up() {
    let site =
        TestServer::configured(|config| config.limits.request = Duration::from_millis(50)).await;
    // A body that is announced and never comes.
    let mut stream = TcpStream::connect(site.url.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST {TESTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 9\r\n\r\n",
        site.api_key
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after: ") && answer.contains("system_unavailable"), "{answer}");
}

#[tokio::test]
async fn a_validation_error_names_every_offending_field() {
    let site = TestServer::start().await;
    let order =
        json!({ "maxStamps": 0, "targetPlatform": "windows", "description": "x".repeat(1001) });
    let error = site.order(&order).await.expect_error(400, "VALIDATION_MISSING_PARAMETER");
    let details = &error["details"];
    assert_eq!(details["parameter"], "title");
    let errors: Vec<_> = details["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (&error["parameter"], &error["code"]))
        .collect();
    let (missing, invalid) =
        (json!("VALIDATION_MISSING_PARAMETER"), json!("VALIDATION_INVALID_PARAMETER"));
    let expected = [
        (&json!("title"), &missing),
        (&json!("description"), &invalid),
        (&json!("targetPlatform"), &invalid),
        (&json!("maxStamps"), &invalid),
    ];
    assert_eq!(errors, expected);
    assert_eq!(details["errors"][3]["value"], 0);
    // A long value is cut: an error is no larger than what caused it.
    assert_eq!(details["errors"][1]["value"].as_str().unwrap().chars().count(), 101);
}
