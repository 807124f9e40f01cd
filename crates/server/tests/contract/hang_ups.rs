//! §4, §9: orders whose callers hang up before the response. Such an order is stored or not; if it
//! is, it is handed over like any other.
//!
//! The clock stands still in these tests, so that no lease expires.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{RawRequest, Store, TestServer, eventually, id_of};

const ORDER: &str = r#"{"title":"BankID"}"#;

fn order() -> Value {
    json!({ "title": "BankID" })
}

/// What an idempotency key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyUse {
    Free,
    InFlight,
    Stored,
}

/// Finds out what a key is used for, with an order that is invalid and therefore never stored.
async fn key_use(server: &TestServer, key: &str) -> KeyUse {
    let response = server.order_with_key(key, &json!({})).await;
    match response.json()["error"]["code"].as_str() {
        Some("VALIDATION_MISSING_PARAMETER") => KeyUse::Free,
        Some("IDEMPOTENCY_REQUEST_IN_PROGRESS") => KeyUse::InFlight,
        Some("IDEMPOTENCY_KEY_CONFLICT") => KeyUse::Stored,
        _ => panic!("{}", response.text),
    }
}

/// Sends an order whose handler is stuck at the locked database, and hangs up. The handler is gone
/// when this returns.
pub(crate) async fn hang_up_while_stuck(server: &TestServer, key: &str) {
    let request = RawRequest::send(server, &[("Idempotency-Key", key)], ORDER).await;
    eventually("the handler is stuck", async || key_use(server, key).await == KeyUse::InFlight)
        .await;
    drop(request);
    eventually("the handler is gone", async || key_use(server, key).await == KeyUse::Free).await;
}

/// A server at which a repetition waits for 20 ms until the first request has ended.
pub(crate) async fn start_with_short_wait() -> TestServer {
    TestServer::start_with(|config| config.limits.repetition = Duration::from_millis(20)).await
}

#[tokio::test]
async fn an_order_whose_caller_hangs_up_at_any_moment_is_scheduled_at_once_or_not_stored() {
    let server = TestServer::start().await;
    let mut stored = 0;
    for moment in 0..50 {
        let key = format!("key {moment}");
        let request = RawRequest::send(&server, &[("Idempotency-Key", &key)], ORDER).await;
        for _ in 0..moment {
            tokio::task::yield_now().await;
        }
        drop(request);
        // This connection is accepted after the other one.
        let next = RawRequest::send(&server, &[], ORDER).await;
        assert!(next.response().await.starts_with("HTTP/1.1 201"));
        // This waits for the handler, if it still runs.
        key_use(&server, &key).await;

        server.run_background_tasks().await;
        if key_use(&server, &key).await == KeyUse::Stored {
            stored += 1;
            let order = server.order_with_key(&key, &order()).await;
            assert!(order.is_replay());
            let test = server.show(id_of(&order.expect(201))).await;
            assert_eq!(test["status"], "scheduled", "moment {moment}: {test}");
        }
    }
    assert!(stored > 0, "no order was stored");
    let statuses = "SELECT status, COUNT(*) FROM challenge_requests GROUP BY status";
    let statuses = server.database().rows(Store::Workspace, statuses).await;
    assert_eq!(statuses, [[Some("scheduled".to_owned()), Some((50 + stored).to_string())]]);
}

#[tokio::test]
async fn an_order_stored_after_its_caller_hung_up_is_scheduled_at_once() {
    let server = start_with_short_wait().await;
    for attempt in 0.. {
        let key = format!("key {attempt}");
        let lock = server.database().lock_orders().await;
        hang_up_while_stuck(&server, &key).await;
        drop(lock);
        // The repetition waits until it is decided whether the order is stored.
        let repeated = server.order_with_key(&key, &order()).await;
        let id = id_of(&repeated.expect(201)).to_owned();
        server.run_background_tasks().await;
        assert_eq!(server.show(&id).await["status"], "scheduled");
        // Otherwise the writer had not begun when the caller hung up: once more.
        if repeated.is_replay() {
            return;
        }
    }
}

#[tokio::test]
async fn an_order_that_exceeds_the_time_limit_is_scheduled_at_once_or_not_stored() {
    let limit = Duration::from_millis(300);
    let server = TestServer::start_with(|config| config.limits.request = limit).await;
    let lock = server.database().lock_orders().await;
    let response = server.order_with_key("key", &order()).await;
    response.expect_error(503, "SYSTEM_UNAVAILABLE");
    drop(lock);
    eventually("a repetition succeeds", async || {
        server.order_with_key("key", &order()).await.status == 201
    })
    .await;
    server.run_background_tasks().await;
    let listed = server.list().await;
    let types: Vec<&Value> = listed.iter().map(|item| &item["type"]).collect();
    assert_eq!(types, ["challenge"]);
}
