//! What is tried again, how often and after which pauses; and lists that are longer than a page.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use client::{ClientError, ListQuery, Retries, RetryPolicy, Surroundings, Wait, WorkspaceApi};
use futures_util::TryStreamExt;
use wire::app::CreateApps;
use wire::production_test::CreateProductionTest;

const APP: &str = "FK5b0KSM";
const TEST: &str = r#"{"id":"req_1","clientId":"FK5b0KSM","status":"cancelled","payload":{"title":"x","providerIds":["mitid"],
    "maxStampClaims":3,"targetPlatform":null},"challengeId":null,"createdAt":"2026-04-08T10:00:00.000Z","challenge":null,
    "scheduling":{"attempts":0,"nextAttemptAt":null,"lastError":null},"updatedAt":"2026-04-08T10:00:00.000Z"}"#;

/// A server that gives these answers, one for each connection, and then listens no more. It ends
/// with the requests' heads. An answer without a byte is a connection cut.
fn server(answers: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let mut heads = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut bytes) = (String::new(), [0; 1024]);
            while !request.contains("\r\n\r\n") {
                let read = stream.read(&mut bytes).unwrap();
                request.push_str(&String::from_utf8_lossy(bytes.get(..read).unwrap()));
            }
            heads.push(request.split("\r\n\r\n").next().unwrap().to_owned());
            stream.write_all(answer.as_bytes()).unwrap();
        }
        heads
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

fn cut() -> String {
    String::new()
}

/// Time goes by when somebody waits, and at no other time; all chances are the smallest.
#[derive(Default)]
struct WriteTimeout(Mutex<Vec<Duration>>);

impl WriteTimeout {
    fn pauses(&self) -> Vec<u128> {
        self.0.lock().unwrap().iter().map(Duration::as_millis).collect()
    }
}

impl Surroundings for WriteTimeout {
    fn elapsed(&self) -> Duration {
        self.0.lock().unwrap().iter().sum()
    }

    fn wait(&self, pause: Duration) -> Wait<'_> {
        self.0.lock().unwrap().push(pause);
        Box::pin(async {})
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// An API whose pauses are counted instead of waited.
fn api(origin: &str, policy: RetryPolicy) -> (WorkspaceApi, Arc<WriteTimeout>) {
    let time = Arc::new(WriteTimeout::default());
    let retries = Retries::within(time.clone(), policy);
    (WorkspaceApi::new(origin, "the key").unwrap().with_retries(retries), time)
}

fn order() -> CreateProductionTest {
    CreateProductionTest { title: "x".into(), ..CreateProductionTest::default() }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_until_it_has() {
    let busy = r#"{"error":{"code":"IDEMPOTENCY_REQUEST_IN_PROGRESS","message":"Wait."},"request_id":"r"}"#;
    let (origin, thread) = server(vec![
        cut(),
        answer("500 x", "", ""),
        answer("408 x", "", ""),
        answer("429 x", "retry-after: 7\r\n", ""),
        answer("409 x", "", busy),
        answer("200 OK", "", TEST),
    ]);
    let (api, time) = api(&origin, RetryPolicy::default());
    assert_eq!(api.production_test(APP, "req_1").await.unwrap().request.id, "req_1");
    assert_eq!(thread.join().unwrap().len(), 6);
    assert_eq!(
        time.pauses(),
        [125, 250, 500, 7000, 2000],
        "half of a bound that doubles, or what the server asks for"
    );
}

#[tokio::test]
async fn a_refusal_is_final() {
    for status in ["400 x", "401 x", "404 x", "409 x", "302 x"] {
        let (origin, thread) = server(vec![answer(status, "", "")]);
        let (api, time) = api(&origin, RetryPolicy::default());
        api.report(APP, "ch_1").await.unwrap_err();
        assert_eq!((thread.join().unwrap().len(), time.pauses()), (1, vec![]), "{status}");
    }
}

#[tokio::test]
async fn patience_is_bounded_in_number_and_in_time() {
    let unavailable = |headers: &str| answer("503 x", headers, "");
    let (origin, thread) = server(vec![unavailable(""), unavailable(""), unavailable("")]);
    let (three_times, time) = api(&origin, RetryPolicy { attempts: 3, ..RetryPolicy::default() });
    assert_eq!(three_times.workspace().await.unwrap_err().status(), Some(503));
    assert_eq!((thread.join().unwrap().len(), time.pauses().len()), (3, 2));

    let (origin, thread) =
        server(vec![unavailable("retry-after: 59\r\n"), unavailable("retry-after: 2\r\n")]);
    let (a_minute, time) = api(&origin, RetryPolicy::default());
    a_minute.workspace().await.unwrap_err();
    assert_eq!(
        (thread.join().unwrap().len(), time.pauses()),
        (2, vec![59_000]),
        "the third would come too late"
    );
}

#[tokio::test]
async fn an_order_is_repeated_under_one_key_its_own_if_none_is_given() {
    let created = TEST.replace("cancelled", "pending");
    for (given, sent) in [(Some("mine"), "idempotency-key: mine"), (None, "idempotency-key: 0000")]
    {
        let (origin, thread) =
            server(vec![cut(), answer("502 x", "", ""), answer("201 x", "", &created)]);
        let (api, _) = api(&origin, RetryPolicy::default());
        api.create_production_test(APP, &order(), given).await.unwrap();
        let heads = thread.join().unwrap();
        assert!(heads.iter().all(|head| head.contains(sent)), "{heads:?}");
    }
}

#[tokio::test]
async fn a_rotation_and_a_batch_are_repeated_under_one_key_too() {
    let made = r#"{"results":[],"successCount":0,"errorCount":0}"#;
    let secret = r#"{"clientSecret":"5e"}"#;
    let (origin, thread) =
        server(vec![cut(), answer("201 x", "", secret), cut(), answer("201 x", "", made)]);
    let (api, _) = api(&origin, RetryPolicy::default());
    assert_eq!(api.rotate_client_secret(APP, None).await.unwrap().client_secret, "5e");
    api.create_apps(&CreateApps { items: vec![], continue_on_error: None }, Some("mine"))
        .await
        .unwrap();
    let heads = thread.join().unwrap();
    for (head, sent) in heads.iter().zip(["0000", "0000", "mine", "mine"]) {
        assert!(head.contains(&format!("idempotency-key: {sent}")), "{head}");
    }
}

#[tokio::test]
async fn without_retries_each_call_is_one_attempt_and_no_key_is_made() {
    let (origin, thread) = server(vec![answer("503 x", "", ""), answer("503 x", "", "")]);
    let api = WorkspaceApi::new(&origin, "the key").unwrap();
    api.create_production_test(APP, &order(), None).await.unwrap_err();
    api.workspace().await.unwrap_err();
    let heads = thread.join().unwrap();
    assert!(heads.iter().all(|head| !head.contains("idempotency-key")), "{heads:?}");
}

#[tokio::test]
async fn cancelling_and_retrying_are_repeated() {
    let (origin, thread) =
        server(vec![cut(), answer("200 x", "", TEST), cut(), answer("200 x", "", TEST)]);
    let (api, _) = api(&origin, RetryPolicy::default());
    api.cancel_production_test(APP, "req_1").await.unwrap();
    api.retry_production_test(APP, "req_1").await.unwrap();
    let heads = thread.join().unwrap();
    assert!(
        heads[1].starts_with("POST /connect/v1/apps/FK5b0KSM/production-tests/req_1/cancel "),
        "{heads:?}"
    );
    assert!(
        heads[3].starts_with("POST /connect/v1/apps/FK5b0KSM/production-tests/req_1/retry "),
        "{heads:?}"
    );
}

#[tokio::test]
async fn a_retry_whose_answer_was_lost_has_succeeded_if_the_test_is_under_way() {
    let conflict = |status: &str| {
        let body = format!(
            r#"{{"error":{{"code":"RESOURCE_CONFLICT","message":"No.","details":{{"status":"{status}"}}}},"request_id":"r"}}"#
        );
        answer("409 x", "", &body)
    };
    for status in ["pending", "scheduled"] {
        let (origin, thread) = server(vec![cut(), conflict(status), answer("200 x", "", TEST)]);
        let (api, _) = api(&origin, RetryPolicy::default());
        assert_eq!(
            api.retry_production_test(APP, "req_1").await.unwrap().request.id,
            "req_1",
            "{status}"
        );
        assert!(
            thread.join().unwrap()[2]
                .starts_with("GET /connect/v1/apps/FK5b0KSM/production-tests/req_1 ")
        );
    }
    // Who was answered at once, and what was cancelled, is told.
    for answers in [vec![conflict("pending")], vec![cut(), conflict("cancelled")]] {
        let (origin, thread) = server(answers);
        let (api, _) = api(&origin, RetryPolicy::default());
        assert_eq!(api.retry_production_test(APP, "req_1").await.unwrap_err().status(), Some(409));
        drop(thread.join());
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_not_tried_again() {
    let (api, time) = api("http://127.0.0.1:1", RetryPolicy::default());
    let failure = api.create_production_test(APP, &order(), Some("two\nlines")).await.unwrap_err();
    assert!(matches!(failure, ClientError::NoAnswer(_)), "{failure}");
    assert_eq!(time.pauses(), []);
}

#[test]
fn two_keys_are_never_the_same() {
    let retries = Retries::new(RetryPolicy::default()).unwrap();
    assert_ne!(retries.idempotency_key(), retries.idempotency_key());
    assert_eq!(retries.idempotency_key().len(), 32);
}

/// A page with `count` items of `total`.
fn page(count: usize, total: u64) -> String {
    let item = format!(r#"{{"type":"request","challenge":null,"request":{TEST}}}"#);
    answer(
        "200 OK",
        &format!("x-total-count: {total}\r\n"),
        &format!("[{}]", vec![item; count].join(",")),
    )
}

#[tokio::test]
async fn a_long_list_is_read_page_by_page_to_its_end() {
    let (origin, thread) = server(vec![page(2, 5), cut(), page(2, 5), page(1, 5)]);
    let (api, _) = api(&origin, RetryPolicy::default());
    let query = ListQuery { limit: Some(2), ..ListQuery::default() };
    let items: Vec<_> = api.all_production_tests(APP, query).try_collect().await.unwrap();
    assert_eq!(items.len(), 5);
    let heads = thread.join().unwrap();
    for (head, asked) in
        heads.iter().zip(["limit=2&offset=0 ", "offset=2 ", "offset=2 ", "limit=2&offset=4 "])
    {
        assert!(head.contains(asked), "{head}");
    }
}

#[tokio::test]
async fn no_page_is_read_before_it_is_asked_for_and_none_after_an_error() {
    let (origin, thread) = server(vec![page(2, 5), answer("404 x", "", "")]);
    let (api, _) = api(&origin, RetryPolicy::default());
    let mut items =
        api.all_production_tests(APP, ListQuery { limit: Some(2), ..ListQuery::default() });
    assert!(items.try_next().await.unwrap().is_some() && items.try_next().await.unwrap().is_some());
    assert_eq!(items.try_next().await.unwrap_err().status(), Some(404));
    assert!(items.try_next().await.unwrap().is_none());
    assert!(thread.join().unwrap()[0].contains("limit=2&offset=0"));
}

#[tokio::test]
async fn an_empty_list_is_one_empty_page() {
    let (origin, thread) = server(vec![page(0, 0)]);
    let (api, _) = api(&origin, RetryPolicy::default());
    assert!(
        api.all_production_tests(APP, ListQuery::default()).try_next().await.unwrap().is_none()
    );
    assert!(thread.join().unwrap()[0].contains("limit=100&offset=0"));
}

#[tokio::test]
async fn what_is_not_safe_to_repeat_is_sent_once() {
    let (origin, thread) = server(vec![cut()]);
    let (api, time) = api(&origin, RetryPolicy::default());
    api.delete_app(APP).await.unwrap_err();
    assert_eq!((thread.join().unwrap().len(), time.pauses()), (1, vec![]));
}
