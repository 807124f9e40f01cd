//! §1 and §3: what holds for every request and every response.

use std::time::Duration;

use serde_json::json;

use crate::support::{APP, RawRequest, TESTS, TestServer};

const LIMIT: usize = 64 * 1024;

/// An order of exactly this many bytes.
fn order_of(bytes: usize) -> String {
    let frame = r#"{"title":"BankID","unknown":""}"#;
    frame.replace(r#""""#, &format!("\"{}\"", "x".repeat(bytes - frame.len())))
}

#[tokio::test]
async fn a_body_of_64_kib_is_read_and_one_byte_more_is_too_large() {
    let server = TestServer::start().await;
    server.post(TESTS).body("application/json", order_of(LIMIT)).send().await.expect(201);
    let refused = server.post(TESTS).body("application/json", order_of(LIMIT + 1)).send().await;
    refused.expect_error(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let server = TestServer::start().await;
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
        let refused = server.post(TESTS).body("application/json", body).send().await;
        let error = refused.expect_error(400, "VALIDATION_INVALID_PARAMETER");
        assert_eq!(error["details"]["parameter"], "body", "{body}");
    }
    let not_utf8 = server.post(TESTS).body("application/json", vec![b'"', 0xff, b'"']).send().await;
    not_utf8.expect_error(400, "VALIDATION_INVALID_PARAMETER");
}

#[tokio::test]
async fn a_body_is_json_whatever_its_spelling_and_any_other_media_type_is_refused() {
    let server = TestServer::start().await;
    let order = json!({ "title": "BankID" }).to_string();
    for other in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "json",
    ] {
        let refused = server.post(TESTS).body(other, order.clone()).send().await;
        refused.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    for json in ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.acme+json"]
    {
        server.post(TESTS).body(json, order.clone()).send().await.expect(201);
    }
    server.post(TESTS).untyped_body(order).send().await.expect(201);
}

#[tokio::test]
async fn head_gets_the_headers_of_get_without_a_body() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    for path in [
        "/healthz".into(),
        "/readyz".into(),
        "/openapi.json".into(),
        "/connect/v1/workspace".into(),
        APP.into(),
        TESTS.to_owned(),
        format!("{TESTS}/{challenge}"),
        format!("{TESTS}/{challenge}/report"),
        "/tpas/v1/challenges/open".into(),
    ] {
        let get = server.get(&path).send().await;
        let head = server.authorized("HEAD", &path).send().await;
        assert_eq!((get.status, head.status, &*head.text), (200, 200, ""), "{path}");
        for header in ["content-type", "content-length"] {
            assert!(get.header(header).is_some(), "{path}: {header}");
            assert_eq!(head.header(header), get.header(header), "{path}");
        }
    }
}

#[tokio::test]
async fn an_unknown_path_and_a_malformed_id_are_not_found() {
    let server = TestServer::start().await;
    for path in [
        "/nothing",
        "/connect/v1",
        "/connect/v1/apps/FK5b0KSM/production-testz",
        "/connect/v2/x",
        "/tpas/v1/x",
        "//",
    ] {
        server.get(path).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    }
    for malformed in ["%ff", "a%20b", "FK5b0KS", "FK5b0KSMM", "..%2f"] {
        let path = format!("/connect/v1/apps/{malformed}/production-tests");
        server.get(&path).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_refused_with_those_that_it_has() {
    let server = TestServer::start().await;
    for (path, allow) in [
        (TESTS.to_owned(), "GET,HEAD,POST"),
        (format!("{TESTS}/req_x"), "GET,HEAD,PATCH"),
        ("/tpas/v1/verification-events".into(), "POST"),
        ("/healthz".into(), "GET,HEAD"),
    ] {
        let others = ["DELETE", "PATCH", "TRACE", "PROPFIND"];
        for method in others.into_iter().filter(|method| !allow.contains(method)) {
            let refused = server.request(method, &path).send().await;
            refused.expect_error(405, "METHOD_NOT_ALLOWED");
            assert_eq!(refused.header("allow"), Some(allow), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_request_id_is_echoed_if_it_is_a_uuid_and_replaced_otherwise() {
    let server = TestServer::start().await;
    let given = "228aaefb-3ce2-4dd0-a73b-b96f71c5779f";
    let response = server.get(TESTS).header("X-Request-Id", given).send().await;
    assert_eq!(response.header("x-request-id"), Some(given));
    let error = server.get("/nothing").header("X-Request-Id", given).send().await;
    assert_eq!(error.json()["request_id"], given);
    for other in ["", "1", "228aaefb3ce24dd0a73bb96f71c5779f", "<script>"] {
        let replaced = server.get(TESTS).header("X-Request-Id", other).send().await;
        assert_ne!(replaced.header("x-request-id"), Some(other));
    }
}

#[tokio::test]
async fn a_request_that_exceeds_the_time_limit_is_unavailable() {
    let limit = Duration::from_millis(50);
    let server = TestServer::start_with(|config| config.limits.request = limit).await;
    // The body that the head announces never comes.
    let request = RawRequest::send_head(&server, &[], 9).await;
    let response = request.response().await.to_ascii_lowercase();
    assert!(response.starts_with("http/1.1 503"), "{response}");
    assert!(response.contains("retry-after: "), "{response}");
    assert!(response.contains("system_unavailable"), "{response}");
}

#[tokio::test]
async fn a_validation_error_names_every_invalid_member() {
    let server = TestServer::start().await;
    let order =
        json!({ "maxStamps": 0, "targetPlatform": "windows", "description": "x".repeat(1001) });
    let error = server.order(&order).await.expect_error(400, "VALIDATION_MISSING_PARAMETER");
    let details = &error["details"];
    assert_eq!(details["parameter"], "title");
    let errors = details["errors"].as_array().unwrap();
    let errors: Vec<_> = errors.iter().map(|error| (&error["parameter"], &error["code"])).collect();
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
    // A long value is cut, so that an error is not larger than its request.
    assert_eq!(details["errors"][1]["value"].as_str().unwrap().chars().count(), 101);
}

#[tokio::test]
async fn a_body_that_is_far_too_large_is_refused_with_an_answer_that_can_be_read() {
    let server = TestServer::start().await;
    let body = " ".repeat(10 * 1024 * 1024);
    let mut request = RawRequest::send_head(&server, &[], body.len()).await;
    // The client sends everything before it reads.
    request.send_body(&body).await;
    let response = request.response().await;
    assert!(response.starts_with("HTTP/1.1 413"), "{response}");
    assert!(response.contains("PAYLOAD_TOO_LARGE"), "{response}");
}

#[tokio::test]
async fn a_compressed_body_is_refused_and_a_byte_order_mark_is_skipped() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x" }).to_string();
    for encoding in ["gzip", "br", "identity, gzip"] {
        let request = server.post(TESTS).header("Content-Encoding", encoding);
        let request = request.body("application/json", order.clone());
        request.send().await.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let request = server.post(TESTS).header("Content-Encoding", "identity");
    request.body("application/json", order.clone()).send().await.expect(201);
    let marked = format!("\u{feff}{order}");
    server.post(TESTS).body("application/json", marked).send().await.expect(201);
}

#[tokio::test]
async fn a_request_names_one_host() {
    let server = TestServer::start().await;
    for (hosts, status) in [("", "400"), ("Host: a\r\nHost: b\r\n", "400"), ("Host: a\r\n", "200")]
    {
        let head = format!("GET /healthz HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        let response = RawRequest::send_text(&server, &head).await.response().await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{hosts}: {response}");
    }
    let old = RawRequest::send_text(&server, "GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(old.response().await.starts_with("HTTP/1.0 200"));
}

#[tokio::test]
async fn a_head_of_more_than_64_kib_is_refused() {
    let server = TestServer::start().await;
    let head = |length: usize| {
        let value = "x".repeat(length);
        format!("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Long: {value}\r\n\r\n")
    };
    let fits = RawRequest::send_text(&server, &head(32 * 1024)).await.response().await;
    assert!(fits.starts_with("HTTP/1.1 200"), "{fits}");
    let refused = RawRequest::send_text(&server, &head(200 * 1024)).await.response().await;
    assert!(refused.starts_with("HTTP/1.1 431"), "{refused}");
}
