//! How the client interprets responses, valid and invalid ones.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::JoinHandle;
use std::time::Duration;

use client::{ChallengeServiceClient, ClientError, ListQuery, Tester, WorkspaceApi};
use wire::error::ErrorCode;
use wire::page::Order;
use wire::production_test::{CreateProductionTest, ItemType, Platform, RequestStatus};
use wire::verification::SimulateVerification;

use crate::server::{respond, response, serve};

const TIMEOUT: Duration = Duration::from_secs(30);
const SECRET: &str = "the-token-of-the-tests";

/// A server for one request. The thread returns the request's head.
fn serve_one(
    handler: impl FnOnce(TcpStream) + Send + 'static,
) -> (String, JoinHandle<Vec<String>>) {
    serve(vec![handler])
}

/// The head of the only request.
fn head(thread: JoinHandle<Vec<String>>) -> String {
    thread.join().unwrap().remove(0)
}

/// A client of the challenge service with a timeout that no test reaches.
fn service(origin: &str) -> ChallengeServiceClient {
    ChallengeServiceClient::new(origin, SECRET, TIMEOUT).unwrap()
}

/// The error that the client makes of a response.
async fn error_for(response: String) -> ClientError {
    let (origin, _) = respond(vec![response]);
    service(&origin).challenge("ch_1").await.unwrap_err()
}

#[tokio::test]
async fn an_error_envelope_is_decoded_with_its_retry_after() {
    let body = r#"{"error":{"code":"SYSTEM_UNAVAILABLE","message":"Try again."},"request_id":"r"}"#;
    let failure = error_for(response("503 x", "retry-after: 7\r\n", body)).await;
    assert_eq!(failure.to_string(), "503 SYSTEM_UNAVAILABLE: Try again.");
    let ClientError::ErrorResponse { status, error, retry_after } = failure else {
        panic!("{failure}")
    };
    assert_eq!((status, error.error.code), (503, ErrorCode::SystemUnavailable));
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_response_in_another_format_is_unexpected() {
    for (status, headers, body, expected) in [
        ("502 Bad Gateway", "retry-after: 120\r\n", "<html>no</html>", (502, Some(120))),
        ("502 Bad Gateway", "retry-after: Wed, 08 Apr 2026 10:00:00 GMT\r\n", "", (502, None)),
        ("404 x", "", r#"{"error":"not found"}"#, (404, None)),
        ("200 OK", "", "<html>sign in first</html>", (200, None)),
        ("200 OK", "", r#"{"id":1}"#, (200, None)),
        ("302 Found", "location: /elsewhere\r\n", "", (302, None)),
    ] {
        match error_for(response(status, headers, body)).await {
            ClientError::UnexpectedResponse { status, retry_after } => {
                assert_eq!((status, retry_after.map(|wait| wait.as_secs())), expected);
            }
            other => panic!("{status}: {other}"),
        }
    }
}

#[tokio::test]
async fn an_interrupted_connection_is_no_response() {
    let (origin, thread) = serve_one(drop);
    let cut_before_the_head = service(&origin).close("ch_1").await;
    thread.join().unwrap();
    let no_listener = service(&origin).close("ch_1").await;
    let cut_in_the_body = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{";
    for (failure, part) in [
        (cut_before_the_head.unwrap_err(), "cut"),
        (no_listener.unwrap_err(), "no connection"),
        (error_for(cut_in_the_body.into()).await, "cut"),
    ] {
        let ClientError::NoResponse(reason) = &failure else { panic!("{failure}") };
        assert!(reason.contains(part), "{reason}");
    }
}

#[tokio::test]
async fn the_timeout_includes_the_head_and_the_body() {
    for beginning in ["", "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"] {
        let (origin, _) = serve_one(move |mut stream| {
            stream.write_all(beginning.as_bytes()).unwrap();
            // Wait until the client closes the connection.
            let _ = stream.read(&mut [0; 1]);
        });
        let service =
            ChallengeServiceClient::new(&origin, SECRET, Duration::from_millis(100)).unwrap();
        let failure = service.report("ch_1").await.unwrap_err();
        assert!(
            matches!(&failure, ClientError::NoResponse(reason) if reason.contains("too long")),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn an_id_is_encoded_in_the_path() {
    let (origin, thread) = respond(vec![response("404 x", "", "")]);
    service(&format!("{origin}/below/")).report("../a?b#c d").await.unwrap_err();
    let head = head(thread);
    assert!(
        head.starts_with("GET /below/tpas/v1/challenges/..%2Fa%3Fb%23c%20d/report HTTP/1.1"),
        "{head}"
    );
    assert!(head.contains(&format!("authorization: Bearer {SECRET}")), "{head}");
}

#[tokio::test]
async fn a_create_sends_its_key_and_returns_the_location_and_whether_it_is_a_replay() {
    let body = r#"{"id":"req_1","clientId":"FK5b0KSM","status":"pending",
        "payload":{"title":"x","providerIds":["mitid"],"maxStampClaims":3,"targetPlatform":null},
        "challengeId":null,"createdAt":"2026-04-08T10:00:00.000Z"}"#;
    let headers = "location: /connect/v1/apps/FK5b0KSM/production-tests/req_1\r\n\
        idempotency-replayed: true\r\n";
    let (origin, thread) = respond(vec![response("201 Created", headers, body)]);
    let order = CreateProductionTest { title: "x".into(), ..CreateProductionTest::default() };
    let api = WorkspaceApi::new(&origin, SECRET).unwrap();
    let created = api.create_production_test("FK5b0KSM", &order, Some("my key")).await.unwrap();
    assert_eq!((created.request.id.as_str(), created.is_replay), ("req_1", true));
    assert_eq!(
        created.location.as_deref(),
        Some("/connect/v1/apps/FK5b0KSM/production-tests/req_1")
    );
    let head = head(thread);
    assert!(head.starts_with("POST /connect/v1/apps/FK5b0KSM/production-tests HTTP/1.1"), "{head}");
    assert!(head.contains("idempotency-key: my key"), "{head}");
}

#[tokio::test]
async fn a_list_sends_only_the_given_parameters() {
    let all = ListQuery {
        limit: Some(2),
        offset: Some(4),
        cursor: None,
        kind: Some(ItemType::Request),
        status: Some(RequestStatus::Failed),
        order: Some(Order::Desc),
    };
    for (query, path, total) in [
        (ListQuery::default(), "/production-tests HTTP", None),
        (
            all,
            "/production-tests?limit=2&offset=4&type=request&status=failed&order=desc HTTP",
            Some(6),
        ),
    ] {
        let headers =
            total.map_or_else(String::new, |total: u64| format!("x-total-count: {total}\r\n"));
        let (origin, thread) = respond(vec![response("200 OK", &headers, "[]")]);
        let list = WorkspaceApi::new(&origin, SECRET)
            .unwrap()
            .production_tests("FK5b0KSM", &query)
            .await
            .unwrap();
        assert_eq!((list.items.len(), list.total), (0, total));
        let head = head(thread);
        assert!(head.contains(path), "{head}");
    }
}

#[tokio::test]
async fn a_tester_sends_no_key_and_an_optional_platform() {
    for (platform, path) in [(None, "/open HTTP"), (Some(Platform::Ios), "/open?platform=ios HTTP")]
    {
        let (origin, thread) = respond(vec![response("200 OK", "", "[]")]);
        assert_eq!(Tester::new(&origin).unwrap().open_challenges(platform).await.unwrap(), []);
        let head = head(thread);
        assert!(head.contains(path) && !head.contains("authorization"), "{head}");
    }
}

#[tokio::test]
async fn an_error_contains_neither_the_token_nor_the_url() {
    let (origin, _) = serve_one(drop);
    let url = format!("{origin}/tpas/v1/simulator/par_1?code=c0de");
    let failure = Tester::new(&origin)
        .unwrap()
        .simulate(&url, &SimulateVerification::Failed { reason: None })
        .await
        .unwrap_err();
    let invalid = ChallengeServiceClient::new(&origin, "two\nlines", TIMEOUT)
        .unwrap()
        .challenge("ch_1")
        .await
        .unwrap_err();
    for text in [format!("{failure} {failure:?}"), format!("{invalid} {invalid:?}")] {
        assert!(
            !text.contains("c0de") && !text.contains("lines") && !text.contains("127.0.0.1"),
            "{text}"
        );
    }
}

#[test]
fn only_an_http_url_is_an_origin() {
    for wrong in ["", "fieldtest.example", "ftp://fieldtest.example", "/tpas"] {
        assert!(WorkspaceApi::new(wrong, SECRET).is_err(), "{wrong}");
    }
}
