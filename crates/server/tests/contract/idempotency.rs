//! §4: repeating a request with an idempotency key.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::{join_all, select};
use serde_json::{Value, json};

use crate::support::{APP, APPS, Store, TESTS, TestResponse, TestServer, tests_of};

const DAY: Duration = Duration::from_hours(24);

const CONFLICT: &str = "IDEMPOTENCY_KEY_CONFLICT";

async fn request_count(server: &TestServer) -> usize {
    server.list().await.len()
}

#[tokio::test]
async fn a_repeated_order_gets_the_first_response() {
    let server = TestServer::start().await;
    let order = json!({ "title": "BankID", "maxStamps": 3 });
    let first = server.order_with_key("key", &order).await;
    server.run_background_tasks().await;
    server.advance(Duration::from_secs(1));
    // White space, the order of members and the spelling of values do not matter.
    let same = r#" { "maxStamps": 3.0,   "title": "Bank\u0049D" } "#;
    let second = server.post(TESTS).idempotency_key("key").body("application/json", same);
    let second = second.send().await;

    assert_eq!(second.expect(201), first.expect(201), "although it was scheduled since");
    assert_eq!(second.text, first.text);
    assert_eq!(second.header("location"), first.header("location"));
    assert_eq!((first.is_replay(), second.is_replay()), (false, true));
    assert_eq!(request_count(&server).await, 1);
}

#[tokio::test]
async fn a_different_order_with_a_used_key_is_a_conflict() {
    let server = TestServer::start().await;
    server.order_with_key("key", &json!({ "title": "BankID" })).await.expect(201);
    for other in [
        json!({ "title": "BankId" }),
        json!({ "title": "BankID", "maxStamps": 3 }),
        json!({}),
        json!({ "title": "BankID", "x": 1 }),
    ] {
        server.order_with_key("key", &other).await.expect_error(409, CONFLICT);
    }
    server.create_app(&server.demo_workspace().await, "OtherApp", &["bankidse"]).await;
    let for_other_app = server.post(&tests_of("OtherApp")).idempotency_key("key");
    let for_other_app = for_other_app.json(&json!({ "title": "BankID" })).send().await;
    for_other_app.expect_error(409, CONFLICT);
    assert_eq!(request_count(&server).await, 1);
}

#[tokio::test]
async fn a_number_is_compared_by_its_value_with_all_its_digits() {
    let server = TestServer::start().await;
    let order = async |key: &str, number: &str| {
        let body = format!(r#"{{ "title": "x", "ignored": {number} }}"#);
        server.post(TESTS).idempotency_key(key).body("application/json", body).send().await
    };
    order("large", "1e16").await.expect(201);
    assert!(order("large", "10000000000000000").await.is_replay());
    order("whole", "1.0").await.expect(201);
    assert!(order("whole", "1").await.is_replay());
    order("beyond 64 bits", "18446744073709551616").await.expect(201);
    let other = order("beyond 64 bits", "18446744073709551617").await;
    other.expect_error(409, CONFLICT);
    assert_eq!(request_count(&server).await, 3);
}

/// A kind of request that takes an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Order,
    App,
    Batch,
    Rotation,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Order, Self::App, Self::Batch, Self::Rotation];

    fn path(self) -> String {
        match self {
            Self::Order => TESTS.into(),
            Self::App => APPS.into(),
            Self::Batch => format!("{APPS}/batch"),
            Self::Rotation => format!("{APP}/rotate-client-secret"),
        }
    }

    fn valid(self) -> Value {
        match self {
            Self::Order => json!({ "title": "x" }),
            Self::App => json!({ "name": "x" }),
            Self::Batch => json!({ "items": [{ "name": "x" }] }),
            Self::Rotation => json!({}),
        }
    }

    async fn send(self, server: &TestServer, key: &str, body: &Value) -> TestResponse {
        server.post(&self.path()).idempotency_key(key).json(body).send().await
    }
}

#[tokio::test]
async fn a_key_used_for_one_kind_of_request_is_a_conflict_for_every_other_even_an_invalid_one() {
    let server = TestServer::start().await;
    let invalid = json!({});
    for first in Kind::ALL {
        let key = format!("{first:?}");
        first.send(&server, &key, &first.valid()).await.expect(201);
        for second in Kind::ALL {
            if second != first {
                let valid = second.send(&server, &key, &second.valid()).await;
                valid.expect_error(409, CONFLICT);
            }
            // A rotation has no body that could be invalid.
            if second != first || second != Kind::Rotation {
                second.send(&server, &key, &invalid).await.expect_error(409, CONFLICT);
            }
        }
        let repeated = first.send(&server, &key, &first.valid()).await;
        assert_eq!((repeated.status, repeated.is_replay()), (201, true), "{first:?}");
    }
    for kind in [Kind::Order, Kind::App, Kind::Batch] {
        let unused = kind.send(&server, "unused", &invalid).await;
        unused.expect_error(400, "VALIDATION_MISSING_PARAMETER");
    }
}

#[tokio::test]
async fn an_expired_key_can_be_used_for_another_kind_of_request() {
    let server = TestServer::start().await;
    Kind::Order.send(&server, "order", &Kind::Order.valid()).await.expect(201);
    Kind::App.send(&server, "app", &Kind::App.valid()).await.expect(201);
    server.advance(DAY);
    Kind::Order.send(&server, "app", &Kind::Order.valid()).await.expect(201);
    Kind::App.send(&server, "order", &Kind::App.valid()).await.expect(201);
    let former = Kind::App.send(&server, "app", &Kind::App.valid()).await;
    former.expect_error(409, CONFLICT);
}

#[tokio::test]
async fn two_workspaces_can_use_the_same_key() {
    let server = TestServer::start().await;
    let (workspace, stranger) = server.create_workspace().await;
    server.create_app(&workspace, "Stranger", &["bankidse"]).await;
    let order = json!({ "title": "BankID" });
    let ours = server.order_with_key("key", &order).await.expect(201);
    let theirs = server.request("POST", &tests_of("Stranger")).bearer(&stranger);
    let theirs = theirs.idempotency_key("key").json(&order).send().await;
    assert_ne!(theirs.expect(201)["id"], ours["id"]);
    assert!(!theirs.is_replay());
}

#[tokio::test]
async fn a_key_has_1_to_255_characters_and_is_sent_once() {
    let server = TestServer::start().await;
    let order = json!({ "title": "BankID" });
    server.order_with_key(&"ü".repeat(255), &order).await.expect(201);
    server.order_with_key("x", &order).await.expect(201);
    let malformed = [
        server.order_with_key("", &order).await,
        server.order_with_key(&"ü".repeat(256), &order).await,
        server.post(TESTS).header("Idempotency-Key", [0xff]).json(&order).send().await,
        server.post(TESTS).idempotency_key("a").idempotency_key("a").json(&order).send().await,
    ];
    for response in malformed {
        let error = response.expect_error(400, "VALIDATION_INVALID_PARAMETER");
        assert_eq!(error["details"]["parameter"], "Idempotency-Key");
    }
    assert_eq!(request_count(&server).await, 2);
}

#[tokio::test]
async fn a_refused_order_does_not_use_its_key() {
    let server = TestServer::start().await;
    for refused in [json!({ "title": "" }), json!({ "title": "BankID", "providerIds": ["nope"] })] {
        server.order_with_key("key", &refused).await.expect(400);
    }
    let accepted = server.order_with_key("key", &json!({ "title": "BankID" })).await;
    assert_eq!((accepted.status, accepted.is_replay()), (201, false));
}

#[tokio::test]
async fn a_key_is_valid_for_24_hours_to_the_millisecond() {
    let server = TestServer::start().await;
    let order = json!({ "title": "BankID" });
    let first = server.order_with_key("key", &order).await.expect(201);
    server.advance(DAY.checked_sub(Duration::from_millis(1)).unwrap());
    let repeated = server.order_with_key("key", &order).await;
    assert_eq!(repeated.expect(201), first);
    assert!(repeated.is_replay());
    server.advance(Duration::from_millis(1));
    let next = server.order_with_key("key", &json!({ "title": "Something else" })).await;
    assert_ne!(next.expect(201)["id"], first["id"]);
    assert!(!next.is_replay());
    assert_eq!(request_count(&server).await, 2);
}

#[tokio::test]
async fn expired_keys_are_pruned_and_valid_keys_are_not() {
    let server = TestServer::start().await;
    let order = json!({ "title": "BankID" });
    server.order_with_key("expired", &order).await.expect(201);
    server.advance(DAY);
    let valid = server.order_with_key("valid", &order).await.expect(201);
    server.run_background_tasks().await;
    let sql = "SELECT key FROM idempotency_records";
    let keys = server.database().rows(Store::Workspace, sql).await;
    assert_eq!(keys, [[Some("valid".to_owned())]]);
    assert_eq!(server.order_with_key("valid", &order).await.expect(201), valid);
}

#[tokio::test]
async fn an_order_is_replayed_even_if_it_would_be_refused_today() {
    let server = TestServer::start().await;
    let order = json!({ "title": "BankID", "providerIds": ["bankidse"] });
    let first = server.order_with_key("key", &order).await;
    let disable = server.authorized("PATCH", &format!("{APP}/providers/bankidse/activation"));
    disable.json(&json!({ "enabled": false })).send().await.expect(200);
    server.advance(Duration::from_secs(1));
    server.order_with_key("new", &order).await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    let second = server.order_with_key("key", &order).await;
    assert_eq!(second.expect(201), first.expect(201));
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    assert_eq!(second.header("location"), first.header("location"));
    assert_eq!(request_count(&server).await, 1);
}

#[tokio::test]
async fn two_hundred_simultaneous_orders_with_one_key_create_one_request() {
    let server = TestServer::start().await;
    let order = json!({ "title": "BankID" });
    let responses = join_all((0..200).map(|_| server.order_with_key("key", &order))).await;
    let ids: HashSet<String> =
        responses.iter().map(|response| response.expect(201)["id"].to_string()).collect();
    let fresh = responses.iter().filter(|response| !response.is_replay()).count();
    assert_eq!((ids.len(), fresh, request_count(&server).await), (1, 1, 1));
}

#[tokio::test]
async fn while_an_order_is_stuck_its_repetition_is_told_to_come_back() {
    let repetition = Duration::from_millis(20);
    let server = TestServer::start_with(|config| config.limits.repetition = repetition).await;
    let order = json!({ "title": "BankID" });
    let lock = server.database().lock_orders().await;
    // The first to arrive waits for the lock, the other one for the first. Either may be the first.
    let one = Box::pin(server.order_with_key("key", &order));
    let other = Box::pin(server.order_with_key("key", &order));
    let (refused, stuck) = select(one, other).await.factor_first();
    refused.expect_error(409, "IDEMPOTENCY_REQUEST_IN_PROGRESS");
    drop(lock);
    let first = stuck.await;
    let repeated = server.order_with_key("key", &order).await;
    assert_eq!(repeated.expect(201), first.expect(201));
    assert_eq!((first.is_replay(), repeated.is_replay()), (false, true));
    assert_eq!(request_count(&server).await, 1);
}

#[tokio::test]
async fn a_key_is_replayed_after_a_restart() {
    let server = TestServer::start().await;
    let order = json!({ "title": "BankID" });
    let first = server.order_with_key("key", &order).await.expect(201);
    let server = server.restart(|_| {}).await;
    let second = server.order_with_key("key", &order).await;
    assert_eq!(second.expect(201), first);
    assert!(second.is_replay());
}

#[tokio::test]
async fn after_a_restart_a_key_has_its_latest_use_whatever_was_pruned_before() {
    let server = TestServer::start().await;
    let (first, second) = (json!({ "title": "First" }), json!({ "title": "Second" }));
    server.order_with_key("reused", &first).await.expect(201);
    server.order_with_key("expired", &first).await.expect(201);
    server.advance(DAY);
    let reused = server.order_with_key("reused", &second).await.expect(201);
    // Prunes both uses that are a day old.
    server.run_background_tasks().await;
    let valid = server.order_with_key("valid", &first).await.expect(201);
    let server = server.restart(|_| {}).await;
    assert_eq!(server.order_with_key("reused", &second).await.expect(201), reused);
    server.order_with_key("reused", &first).await.expect_error(409, CONFLICT);
    assert_eq!(server.order_with_key("valid", &first).await.expect(201), valid);
    let expired = server.order_with_key("expired", &second).await;
    assert_eq!((expired.status, expired.is_replay()), (201, false));
}
