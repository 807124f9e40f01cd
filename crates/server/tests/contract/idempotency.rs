//! §4: repeating an order safely.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::{join_all, select};
use serde_json::{Value, json};

use crate::support::{Answer, TESTS, Tables, TestServer};

const DAY: Duration = Duration::from_hours(24);

async fn order_with(site: &TestServer, key: &str, order: &Value) -> Answer {
    site.post(TESTS).idempotency_key(key).json(order).send().await
}

async fn count(site: &TestServer) -> usize {
    site.get(TESTS).send().await.expect(200).as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_order_under_the_same_key_is_answered_as_the_first_time() {
    let site = TestServer::start().await;
    let first = order_with(&site, "key", &json!({ "title": "BankID", "maxStamps": 3 })).await;
    site.round().await;
    site.advance(Duration::from_secs(1));
    // White space, the order of members and the spelling of numbers do not matter.
    let same = r#" { "maxStamps": 3.0,   "title": "Bank\u0049D" } "#;
    let second =
        site.post(TESTS).idempotency_key("key").body("application/json", same).send().await;

    assert_eq!(second.expect(201), first.expect(201), "even though it has been scheduled since");
    assert_eq!(second.text, first.text);
    assert_eq!(second.header("location"), first.header("location"));
    assert_eq!(
        (first.header("idempotency-replayed"), second.header("idempotency-replayed")),
        (None, Some("true"))
    );
    assert_eq!(count(&site).await, 1);
}

#[tokio::test]
async fn another_order_under_the_same_key_is_a_conflict() {
    let site = TestServer::start().await;
    order_with(&site, "key", &json!({ "title": "BankID" })).await.expect(201);
    for other in [
        json!({ "title": "BankId" }),
        json!({ "title": "BankID", "maxStamps": 3 }),
        json!({}),
        json!({ "title": "BankID", "x": 1 }),
    ] {
        order_with(&site, "key", &other).await.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    }
    site.app(&site.demo_workspace().await, "OtherApp", &["bankidse"]).await;
    let other_path = site.post("/connect/v1/apps/OtherApp/production-tests").idempotency_key("key");
    other_path
        .json(&json!({ "title": "BankID" }))
        .send()
        .await
        .expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    assert_eq!(count(&site).await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_a_workspace() {
    let site = TestServer::start().await;
    let (workspace, key) = site.workspace().await;
    site.app(&workspace, "Stranger", &["bankidse"]).await;
    let order = json!({ "title": "BankID" });
    let ours = order_with(&site, "key", &order).await.expect(201);
    let path = "/connect/v1/apps/Stranger/production-tests";
    let theirs = site
        .call("POST", path)
        .key(&key)
        .idempotency_key("key")
        .json(&order)
        .send()
        .await
        .expect(201);
    assert_ne!(ours["id"], theirs["id"]);
}

#[tokio::test]
async fn the_bounds_of_a_key() {
    let site = TestServer::start().await;
    let order = json!({ "title": "BankID" });
    order_with(&site, &"ü".repeat(255), &order).await.expect(201);
    order_with(&site, "x", &order).await.expect(201);
    let refused = [
        order_with(&site, "", &order).await,
        order_with(&site, &"ü".repeat(256), &order).await,
        site.post(TESTS).header("Idempotency-Key", [0xff]).json(&order).send().await,
        site.post(TESTS).idempotency_key("a").idempotency_key("a").json(&order).send().await,
    ];
    for answer in refused {
        let error = answer.expect_error(400, "VALIDATION_INVALID_PARAMETER");
        assert_eq!(error["details"]["parameter"], "Idempotency-Key");
    }
    assert_eq!(count(&site).await, 2);
}

#[tokio::test]
async fn a_refused_order_leaves_its_key_free() {
    let site = TestServer::start().await;
    order_with(&site, "key", &json!({ "title": "" })).await.expect(400);
    order_with(&site, "key", &json!({ "title": "BankID", "providerIds": ["nope"] }))
        .await
        .expect(400);
    let answer = order_with(&site, "key", &json!({ "title": "BankID" })).await;
    answer.expect(201);
    assert_eq!(answer.header("idempotency-replayed"), None);
}

#[tokio::test]
async fn a_key_is_as_good_as_new_after_24_hours_and_not_before() {
    let site = TestServer::start().await;
    let order = json!({ "title": "BankID" });
    let first = order_with(&site, "key", &order).await.expect(201);
    site.advance(DAY.checked_sub(Duration::from_millis(1)).unwrap());
    assert_eq!(order_with(&site, "key", &order).await.expect(201)["id"], first["id"]);
    site.advance(Duration::from_millis(1));
    let fresh = order_with(&site, "key", &json!({ "title": "Something else" })).await;
    assert_ne!(fresh.expect(201)["id"], first["id"]);
    assert_eq!(fresh.header("idempotency-replayed"), None);
    assert_eq!(count(&site).await, 2);
}

#[tokio::test]
async fn expired_keys_are_forgotten_in_the_background_and_others_are_not() {
    let site = TestServer::start().await;
    let order = json!({ "title": "BankID" });
    order_with(&site, "old", &order).await.expect(201);
    site.advance(DAY);
    let young = order_with(&site, "young", &order).await.expect(201);
    site.round().await;
    let keys = site.ground().rows(Tables::Connect, "SELECT key FROM idempotency_records").await;
    assert_eq!(keys, [[Some("young".to_owned())]]);
    assert_eq!(order_with(&site, "young", &order).await.expect(201)["id"], young["id"]);
}

#[tokio::test]
async fn an_order_is_repeated_even_if_it_could_not_be_placed_any_more() {
    let site = TestServer::start().await;
    let order = json!({ "title": "BankID", "providerIds": ["bankidse"] });
    let first = order_with(&site, "key", &order).await.expect(201);
    let write = store_workspace::SetProvider {
        workspace_id: None,
        client_id: "FK5b0KSM".parse().unwrap(),
        provider_id: "bankidse".parse().unwrap(),
        state: None,
        now: site.now(),
    };
    site.database(async |store, _| store.set_provider(write).await.unwrap()).await;
    site.advance(Duration::from_secs(1));
    assert_eq!(order_with(&site, "key", &order).await.expect(201), first);
    order_with(&site, "new", &order).await.expect(400);
}

#[tokio::test]
async fn two_hundred_simultaneous_orders_under_one_key_make_one_request() {
    let site = TestServer::start().await;
    let order = json!({ "title": "BankID" });
    let answers = join_all((0..200).map(|_| order_with(&site, "key", &order))).await;
    let ids: HashSet<String> =
        answers.iter().map(|answer| answer.expect(201)["id"].to_string()).collect();
    let first_times =
        answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count();
    assert_eq!((ids.len(), first_times, count(&site).await), (1, 1, 1));
}

#[tokio::test]
async fn a_repetition_is_told_to_come_back_while_the_first_is_stuck() {
    let site =
        TestServer::configured(|config| config.limits.repetition = Duration::from_millis(20)).await;
    let order = json!({ "title": "BankID" });
    // Somebody else is at the tables: the first order waits.
    let lock = site.ground().lock_orders().await;

    // Whichever of the two comes second is told at once; the other one waits for the tables.
    let (one, other_one) =
        (Box::pin(order_with(&site, "key", &order)), Box::pin(order_with(&site, "key", &order)));
    let (told, stuck) = select(one, other_one).await.factor_first();
    told.expect_error(409, "IDEMPOTENCY_REQUEST_IN_PROGRESS");
    drop(lock);
    let first = stuck.await.expect(201);
    assert_eq!(order_with(&site, "key", &order).await.expect(201)["id"], first["id"]);
    assert_eq!(count(&site).await, 1);
}

#[tokio::test]
async fn an_order_and_its_key_survive_a_restart() {
    let site = TestServer::start().await;
    let order = json!({ "title": "BankID" });
    let first = order_with(&site, "key", &order).await.expect(201);
    let site = site.restart(|_| {}).await;
    let second = order_with(&site, "key", &order).await;
    assert_eq!(second.expect(201), first);
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
}

#[tokio::test]
async fn what_a_key_was_last_used_for_is_known_after_a_restart_whatever_was_forgotten_before() {
    let site = TestServer::start().await;
    let (first, second) = (json!({ "title": "First" }), json!({ "title": "Second" }));
    order_with(&site, "again", &first).await.expect(201);
    order_with(&site, "gone", &first).await.expect(201);
    site.advance(DAY);
    let again = order_with(&site, "again", &second).await.expect(201);
    // Forgets the two that are a day old.
    site.round().await;
    let kept = order_with(&site, "kept", &first).await.expect(201);
    let site = site.restart(|_| {}).await;
    assert_eq!(order_with(&site, "again", &second).await.expect(201)["id"], again["id"]);
    order_with(&site, "again", &first).await.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    assert_eq!(order_with(&site, "kept", &first).await.expect(201)["id"], kept["id"]);
    let answer = order_with(&site, "gone", &second).await;
    answer.expect(201);
    assert_eq!(answer.header("idempotency-replayed"), None);
}
