//! What the client makes of answers, good and bad, from a server that says exactly what a test has
//! it say.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use client::{ChallengeServiceClient, ClientError, ListQuery, Tester, WorkspaceApi};
use wire::error::ErrorCode;
use wire::page::Order;
use wire::production_test::{CreateProductionTest, ItemType, Platform, RequestStatus};
use wire::verification::SimulateVerification;

const PATIENT: Duration = Duration::from_secs(30);
const SECRET: &str = "the-token-of-the-tests";

/// A server for one request: answers these bytes and closes the connection. The thread ends with
/// the request's head.
fn server(answer: String) -> (String, JoinHandle<String>) {
    serve(move |mut stream| stream.write_all(answer.as_bytes()).unwrap())
}

/// A server for one request, which does this with the connection once it has read the head.
fn serve(react: impl FnOnce(TcpStream) + Send + 'static) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = String::new();
        let mut bytes = [0; 1024];
        while !request.contains("\r\n\r\n") {
            let read = stream.read(&mut bytes).unwrap();
            request.push_str(&String::from_utf8_lossy(bytes.get(..read).unwrap()));
        }
        react(stream);
        request.split("\r\n\r\n").next().unwrap().to_owned()
    });
    (origin, thread)
}

/// An answer with this status line, headers and body.
fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

async fn failure_of(answer: String) -> ClientError {
    let (origin, _) = server(answer);
    ChallengeServiceClient::new(&origin, SECRET, PATIENT)
        .unwrap()
        .challenge("ch_1")
        .await
        .unwrap_err()
}

#[tokio::test]
async fn an_envelope_is_understood_with_its_retry_after() {
    let body = r#"{"error":{"code":"SYSTEM_UNAVAILABLE","message":"Try again."},"request_id":"r"}"#;
    let failure = failure_of(answer("503 x", "retry-after: 7\r\n", body)).await;
    assert_eq!(failure.to_string(), "503 SYSTEM_UNAVAILABLE: Try again.");
    let ClientError::Answer { status, error, retry_after } = failure else { panic!("{failure}") };
    assert_eq!((status, error.error.code), (503, ErrorCode::SystemUnavailable));
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn an_answer_of_somebody_else_is_unexpected() {
    for (status, headers, body, expected) in [
        ("502 Bad Gateway", "retry-after: 120\r\n", "<html>no</html>", (502, Some(120))),
        ("502 Bad Gateway", "retry-after: Wed, 08 Apr 2026 10:00:00 GMT\r\n", "", (502, None)),
        ("404 x", "", r#"{"error":"not found"}"#, (404, None)),
        ("200 OK", "", "<html>sign in first</html>", (200, None)),
        ("200 OK", "", r#"{"id":1}"#, (200, None)),
        ("302 Found", "location: /elsewhere\r\n", "", (302, None)),
    ] {
        match failure_of(answer(status, headers, body)).await {
            ClientError::UnexpectedAnswer { status, retry_after } => {
                assert_eq!((status, retry_after.map(|wait| wait.as_secs())), expected);
            }
            other => panic!("{status}: {other}"),
        }
    }
}

#[tokio::test]
async fn without_an_answer_the_outcome_is_unknown() {
    let (closed, thread) = serve(drop);
    let cut_at_once =
        ChallengeServiceClient::new(&closed, SECRET, PATIENT).unwrap().close("ch_1").await;
    thread.join().unwrap();
    let nobody_there =
        ChallengeServiceClient::new(&closed, SECRET, PATIENT).unwrap().close("ch_1").await;
    let cut_later = failure_of("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".into()).await;
    for (failure, part) in [
        (cut_at_once.unwrap_err(), "cut"),
        (nobody_there.unwrap_err(), "no connection"),
        (cut_later, "cut"),
    ] {
        let ClientError::NoAnswer(reason) = &failure else { panic!("{failure}") };
        assert!(reason.contains(part), "{reason}");
    }
}

#[tokio::test]
async fn patience_ends_before_the_head_and_before_the_body() {
    for begun in ["", "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"] {
        let (origin, _) = serve(move |mut stream| {
            stream.write_all(begun.as_bytes()).unwrap();
            // Until the client has hung up.
            let _ = stream.read(&mut [0; 1]);
        });
        let service =
            ChallengeServiceClient::new(&origin, SECRET, Duration::from_millis(100)).unwrap();
        let failure = service.report("ch_1").await.unwrap_err();
        assert!(
            matches!(&failure, ClientError::NoAnswer(reason) if reason.contains("too long")),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn an_id_cannot_leave_its_place_in_the_path() {
    let (origin, thread) = server(answer("404 x", "", ""));
    let service =
        ChallengeServiceClient::new(&format!("{origin}/below/"), SECRET, PATIENT).unwrap();
    service.report("../a?b#c d").await.unwrap_err();
    let head = thread.join().unwrap();
    assert!(
        head.starts_with("GET /below/tpas/v1/challenges/..%2Fa%3Fb%23c%20d/report HTTP/1.1"),
        "{head}"
    );
    assert!(head.contains(&format!("authorization: Bearer {SECRET}")), "{head}");
}

#[tokio::test]
async fn an_order_carries_its_key_and_brings_back_where_it_is_and_whether_it_is_new() {
    let body = r#"{"id":"req_1","clientId":"FK5b0KSM","status":"pending","payload":{"title":"x","providerIds":["mitid"],
        "maxStampClaims":3,"targetPlatform":null},"challengeId":null,"createdAt":"2026-04-08T10:00:00.000Z"}"#;
    let headers = "location: /connect/v1/apps/FK5b0KSM/production-tests/req_1\r\nidempotency-replayed: true\r\n";
    let (origin, thread) = server(answer("201 Created", headers, body));
    let order = CreateProductionTest { title: "x".into(), ..CreateProductionTest::default() };
    let api = WorkspaceApi::new(&origin, SECRET).unwrap();
    let created = api.create_production_test("FK5b0KSM", &order, Some("my key")).await.unwrap();
    assert_eq!((created.request.id.as_str(), created.is_replay), ("req_1", true));
    assert_eq!(
        created.location.as_deref(),
        Some("/connect/v1/apps/FK5b0KSM/production-tests/req_1")
    );
    let head = thread.join().unwrap();
    assert!(head.starts_with("POST /connect/v1/apps/FK5b0KSM/production-tests HTTP/1.1"), "{head}");
    assert!(head.contains("idempotency-key: my key"), "{head}");
}

#[tokio::test]
async fn a_list_asks_for_what_is_wanted_and_for_nothing_else() {
    let all = ListQuery {
        limit: Some(2),
        offset: Some(4),
        kind: Some(ItemType::Request),
        status: Some(RequestStatus::Failed),
        order: Some(Order::Desc),
    };
    for (query, asked, total) in [
        (ListQuery::default(), "/production-tests HTTP", None),
        (
            all,
            "/production-tests?limit=2&offset=4&type=request&status=failed&order=desc HTTP",
            Some(6),
        ),
    ] {
        let headers =
            total.map_or_else(String::new, |total: u64| format!("x-total-count: {total}\r\n"));
        let (origin, thread) = server(answer("200 OK", &headers, "[]"));
        let list = WorkspaceApi::new(&origin, SECRET)
            .unwrap()
            .production_tests("FK5b0KSM", &query)
            .await
            .unwrap();
        assert_eq!((list.items.len(), list.total), (0, total));
        let head = thread.join().unwrap();
        assert!(head.contains(asked), "{head}");
    }
}

#[tokio::test]
async fn a_tester_has_no_key_and_names_the_platform_only_if_there_is_one() {
    for (platform, asked) in
        [(None, "/open HTTP"), (Some(Platform::Ios), "/open?platform=ios HTTP")]
    {
        let (origin, thread) = server(answer("200 OK", "", "[]"));
        assert_eq!(Tester::new(&origin).unwrap().open_challenges(platform).await.unwrap(), []);
        let head = thread.join().unwrap();
        assert!(head.contains(asked) && !head.contains("authorization"), "{head}");
    }
}

#[tokio::test]
async fn a_failure_tells_neither_the_token_nor_a_verification_urls_code() {
    let (origin, _) = serve(drop);
    let url = format!("{origin}/tpas/v1/simulator/par_1?code=c0de");
    let failure = Tester::new(&origin)
        .unwrap()
        .simulate(&url, &SimulateVerification::Failed)
        .await
        .unwrap_err();
    let unsendable = ChallengeServiceClient::new(&origin, "two\nlines", PATIENT)
        .unwrap()
        .challenge("ch_1")
        .await
        .unwrap_err();
    for text in [format!("{failure} {failure:?}"), format!("{unsendable} {unsendable:?}")] {
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
