//! Retries: which calls, how often and after which delays. Also lists of several pages.

use std::sync::{Arc, Mutex};

use client::{ClientError, ListQuery, Retries, RetryPolicy, WorkspaceApi};
use domain::{Clock, ClockAndRng, ManualClock, Randomness, Timestamp};
use futures_util::TryStreamExt;
use wire::app::CreateApps;
use wire::production_test::CreateProductionTest;

use crate::server::{respond, response};

const APP: &str = "FK5b0KSM";
const TEST: &str = r#"{"id":"req_1","clientId":"FK5b0KSM","status":"cancelled",
    "payload":{"title":"x","providerIds":["mitid"],"maxStampClaims":3,"targetPlatform":null},
    "challengeId":null,"createdAt":"2026-04-08T10:00:00.000Z","challenge":null,
    "scheduling":{"attempts":0,"nextAttemptAt":null,"lastError":null},
    "updatedAt":"2026-04-08T10:00:00.000Z"}"#;

/// A connection that is closed without a response.
fn closed() -> String {
    String::new()
}

/// Randomness that yields zeros, so that delays are the shortest possible.
struct Zeros;

impl Randomness for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// The delays before retries, in milliseconds.
#[derive(Clone, Default)]
struct Delays(Arc<Mutex<Vec<u128>>>);

impl Delays {
    fn recorded(&self) -> Vec<u128> {
        self.0.lock().unwrap().clone()
    }
}

/// A client that records its delays and advances the clock instead of waiting.
fn api(origin: &str, policy: RetryPolicy) -> (WorkspaceApi, Delays) {
    let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
    let delays = Delays::default();
    let clock_and_rng = ClockAndRng::new(Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(Zeros));
    let retries = Retries::with_clock_and_rng(policy, clock_and_rng).with_sleep({
        let delays = delays.clone();
        move |delay| {
            delays.0.lock().unwrap().push(delay.as_millis());
            clock.advance(delay);
            std::future::ready(())
        }
    });
    (WorkspaceApi::new(origin, "the key").unwrap().with_retries(retries), delays)
}

fn order() -> CreateProductionTest {
    CreateProductionTest { title: "x".into(), ..CreateProductionTest::default() }
}

#[tokio::test]
async fn transient_errors_are_retried() {
    let busy = concat!(
        r#"{"error":{"code":"IDEMPOTENCY_REQUEST_IN_PROGRESS","message":"Wait."},"#,
        r#""request_id":"r"}"#,
    );
    let (origin, thread) = respond(vec![
        closed(),
        response("500 x", "", ""),
        response("408 x", "", ""),
        response("429 x", "retry-after: 7\r\n", ""),
        response("409 x", "", busy),
        response("200 OK", "", TEST),
    ]);
    let (api, delays) = api(&origin, RetryPolicy::default());
    assert_eq!(api.production_test(APP, "req_1").await.unwrap().request.id, "req_1");
    assert_eq!(thread.join().unwrap().len(), 6);
    assert_eq!(
        delays.recorded(),
        [125, 250, 500, 7000, 2000],
        "half of a bound that doubles, or `Retry-After`"
    );
}

#[tokio::test]
async fn other_errors_are_not_retried() {
    for status in ["400 x", "401 x", "404 x", "409 x", "302 x"] {
        let (origin, thread) = respond(vec![response(status, "", "")]);
        let (api, delays) = api(&origin, RetryPolicy::default());
        api.report(APP, "ch_1").await.unwrap_err();
        assert_eq!((thread.join().unwrap().len(), delays.recorded()), (1, vec![]), "{status}");
    }
}

#[tokio::test]
async fn attempts_are_limited_in_number_and_in_time() {
    let unavailable = |headers: &str| response("503 x", headers, "");
    let (origin, thread) = respond(vec![unavailable(""), unavailable(""), unavailable("")]);
    let policy = RetryPolicy { max_attempts: 3, ..RetryPolicy::default() };
    let (three_attempts, delays) = api(&origin, policy);
    assert_eq!(three_attempts.workspace().await.unwrap_err().status(), Some(503));
    assert_eq!((thread.join().unwrap().len(), delays.recorded().len()), (3, 2));

    let (origin, thread) =
        respond(vec![unavailable("retry-after: 59\r\n"), unavailable("retry-after: 2\r\n")]);
    let (one_minute, delays) = api(&origin, RetryPolicy::default());
    one_minute.workspace().await.unwrap_err();
    assert_eq!(
        (thread.join().unwrap().len(), delays.recorded()),
        (2, vec![59_000]),
        "a third attempt would start too late"
    );
}

#[tokio::test]
async fn every_attempt_to_create_has_the_same_given_or_random_key() {
    let created = TEST.replace("cancelled", "pending");
    for (given, sent) in [(Some("mine"), "idempotency-key: mine"), (None, "idempotency-key: 0000")]
    {
        let (origin, thread) =
            respond(vec![closed(), response("502 x", "", ""), response("201 x", "", &created)]);
        let (api, _) = api(&origin, RetryPolicy::default());
        api.create_production_test(APP, &order(), given).await.unwrap();
        let heads = thread.join().unwrap();
        assert!(heads.iter().all(|head| head.contains(sent)), "{heads:?}");
    }
}

#[tokio::test]
async fn every_attempt_of_a_rotation_or_batch_has_the_same_key() {
    let made = r#"{"results":[],"successCount":0,"errorCount":0}"#;
    let secret = r#"{"clientSecret":"5e"}"#;
    let (origin, thread) = respond(vec![
        closed(),
        response("201 x", "", secret),
        closed(),
        response("201 x", "", made),
    ]);
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
async fn without_retries_a_call_is_one_attempt_without_a_random_key() {
    let (origin, thread) = respond(vec![response("503 x", "", ""), response("503 x", "", "")]);
    let api = WorkspaceApi::new(&origin, "the key").unwrap();
    api.create_production_test(APP, &order(), None).await.unwrap_err();
    api.workspace().await.unwrap_err();
    let heads = thread.join().unwrap();
    assert!(heads.iter().all(|head| !head.contains("idempotency-key")), "{heads:?}");
}

#[tokio::test]
async fn cancelling_and_retrying_a_test_are_retried() {
    let (origin, thread) =
        respond(vec![closed(), response("200 x", "", TEST), closed(), response("200 x", "", TEST)]);
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
async fn a_conflict_after_a_lost_response_means_that_the_retry_succeeded() {
    let conflict = |status: &str| {
        let body = format!(
            r#"{{"error":{{"code":"RESOURCE_CONFLICT","message":"No.",
                "details":{{"status":"{status}"}}}},"request_id":"r"}}"#
        );
        response("409 x", "", &body)
    };
    for status in ["pending", "scheduled"] {
        let (origin, thread) =
            respond(vec![closed(), conflict(status), response("200 x", "", TEST)]);
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
    // A conflict on the first attempt, or because of a cancelled test, is an error.
    for responses in [vec![conflict("pending")], vec![closed(), conflict("cancelled")]] {
        let (origin, thread) = respond(responses);
        let (api, _) = api(&origin, RetryPolicy::default());
        assert_eq!(api.retry_production_test(APP, "req_1").await.unwrap_err().status(), Some(409));
        drop(thread.join());
    }
}

#[tokio::test]
async fn an_invalid_request_is_not_retried() {
    let (api, delays) = api("http://127.0.0.1:1", RetryPolicy::default());
    let failure = api.create_production_test(APP, &order(), Some("two\nlines")).await.unwrap_err();
    assert!(matches!(failure, ClientError::NoResponse(_)), "{failure}");
    assert_eq!(delays.recorded(), []);
}

#[test]
fn every_key_is_different() {
    let retries = Retries::new(RetryPolicy::default()).unwrap();
    assert_ne!(retries.idempotency_key(), retries.idempotency_key());
    assert_eq!(retries.idempotency_key().len(), 32);
}

/// A page with `count` items, and the cursor of the next page.
fn page(count: usize, next: Option<&str>) -> String {
    let item = format!(r#"{{"type":"request","challenge":null,"request":{TEST}}}"#);
    let link = next.map(|cursor| format!("link: </x?limit=2&cursor={cursor}>; rel=\"next\"\r\n"));
    let items = vec![item; count].join(",");
    response("200 OK", &link.unwrap_or_default(), &format!("[{items}]"))
}

#[tokio::test]
async fn a_long_list_is_read_page_by_page() {
    let (origin, thread) =
        respond(vec![page(2, Some("b")), closed(), page(2, Some("d")), page(1, None)]);
    let (api, _) = api(&origin, RetryPolicy::default());
    let query = ListQuery { limit: Some(2), offset: Some(1), ..ListQuery::default() };
    let items: Vec<_> = api.all_production_tests(APP, query).try_collect().await.unwrap();
    assert_eq!(items.len(), 5);
    let heads = thread.join().unwrap();
    for (head, expected) in heads.iter().zip([
        "limit=2&offset=1&cursor= ",
        "limit=2&cursor=b ",
        "=b ",
        "limit=2&cursor=d ",
    ]) {
        assert!(head.contains(expected), "{head}");
    }
}

#[tokio::test]
async fn pages_are_read_on_demand_and_not_after_an_error() {
    let (origin, thread) = respond(vec![page(2, Some("b")), response("404 x", "", "")]);
    let (api, _) = api(&origin, RetryPolicy::default());
    let mut items =
        api.all_production_tests(APP, ListQuery { limit: Some(2), ..ListQuery::default() });
    assert!(items.try_next().await.unwrap().is_some() && items.try_next().await.unwrap().is_some());
    assert_eq!(items.try_next().await.unwrap_err().status(), Some(404));
    assert!(items.try_next().await.unwrap().is_none());
    assert!(thread.join().unwrap()[0].contains("limit=2&cursor= "));
}

#[tokio::test]
async fn an_empty_list_is_one_page() {
    let (origin, thread) = respond(vec![page(0, None)]);
    let (api, _) = api(&origin, RetryPolicy::default());
    assert!(
        api.all_production_tests(APP, ListQuery::default()).try_next().await.unwrap().is_none()
    );
    assert!(thread.join().unwrap()[0].contains("limit=100&cursor= "));
}

#[tokio::test]
async fn a_call_that_is_not_idempotent_is_not_retried() {
    let (origin, thread) = respond(vec![closed()]);
    let (api, delays) = api(&origin, RetryPolicy::default());
    api.delete_app(APP).await.unwrap_err();
    assert_eq!((thread.join().unwrap().len(), delays.recorded()), (1, vec![]));
}
