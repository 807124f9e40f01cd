//! §11: creating many apps with one request.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app_creation::{app_count, create_app};
use crate::support::{APPS, Store, TestResponse, TestServer};

async fn create_apps(server: &TestServer, items: Value, continue_on_error: bool) -> Value {
    let body = json!({ "items": items, "continueOnError": continue_on_error });
    server.post(&format!("{APPS}/batch")).json(&body).send().await.expect(201)
}

async fn create_apps_with_key(server: &TestServer, key: &str, items: &Value) -> TestResponse {
    let request = server.post(&format!("{APPS}/batch")).idempotency_key(key);
    request.json(&json!({ "items": items })).send().await
}

#[track_caller]
fn assert_counts(batch: &Value, successes: usize, errors: usize) {
    assert_eq!(batch["successCount"], successes, "{batch}");
    assert_eq!(batch["errorCount"], errors, "{batch}");
}

#[tokio::test]
async fn a_batch_stops_at_its_first_error_or_continues_as_the_caller_wishes() {
    let server = TestServer::start().await;
    let items = json!([
        { "name": "One", "idempotencyKey": "one", "redirectUris": ["https://one.example/"] },
        { "name": "" },
        { "name": "Three" },
    ]);
    let stopped = create_apps(&server, items.clone(), false).await;
    assert_counts(&stopped, 1, 1);
    assert_eq!(stopped["results"].as_array().unwrap().len(), 2, "the third was not tried");
    let error = &stopped["results"][1];
    assert_eq!(error["error"]["code"], "VALIDATION_MISSING_PARAMETER");
    assert_eq!((error.get("app"), &error["idempotencyKey"]), (None, &Value::Null));

    let finished = create_apps(&server, items, true).await;
    assert_counts(&finished, 2, 1);
    assert_eq!(finished["results"][0], stopped["results"][0], "the item's own key was used before");
    assert_eq!(finished["results"][0]["idempotencyKey"], "one");
    assert_eq!(finished["results"][2]["app"]["name"], "Three");
    assert_eq!(app_count(&server).await, 3);
}

#[tokio::test]
async fn a_repeated_batch_is_replayed_and_a_different_one_is_a_conflict() {
    let server = TestServer::start().await;
    let items =
        json!([{ "name": "One" }, { "name": "Two", "idempotencyKey": "two" }, { "name": "One" }]);
    let first = create_apps_with_key(&server, "key", &items).await;
    assert_counts(&first.expect(201), 3, 0);
    let second = create_apps_with_key(&server, "key", &items).await;
    assert_eq!(second.expect(201), first.expect(201));
    assert_eq!((first.is_replay(), second.is_replay()), (false, true));
    assert_eq!(app_count(&server).await, 4, "two items with the same name are two apps");

    for other in [json!([{ "name": "One" }]), json!([{ "name": "" }]), json!([])] {
        let conflict = create_apps_with_key(&server, "key", &other).await;
        conflict.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    }
    // The key of an item belongs to the item, whichever batch contains it.
    let same_item = json!([{ "name": "Two", "idempotencyKey": "two" }]);
    let other = create_apps_with_key(&server, "other", &same_item).await;
    assert_eq!(other.expect(201)["results"][0], first.expect(201)["results"][1]);
    assert_eq!(app_count(&server).await, 4);

    server.advance(Duration::from_hours(24));
    assert!(!create_apps_with_key(&server, "key", &items).await.is_replay());
    assert_eq!(app_count(&server).await, 7);
}

#[tokio::test]
async fn a_batch_that_created_nothing_does_not_use_its_key() {
    let server = TestServer::start().await;
    let invalid = create_apps_with_key(&server, "key", &json!([{ "name": "" }])).await;
    assert_counts(&invalid.expect(201), 0, 1);
    let valid = create_apps_with_key(&server, "key", &json!([{ "name": "One" }])).await;
    assert_counts(&valid.expect(201), 1, 0);
    assert!(!invalid.is_replay() && !valid.is_replay());
}

#[tokio::test]
async fn a_batch_that_was_interrupted_is_finished_by_its_repetition() {
    let server = TestServer::start().await;
    let items = json!([{ "name": "One" }, { "name": "Two" }]);
    create_apps_with_key(&server, "key", &items).await.expect(201);
    // As if the server had died after the first item.
    let sql = "DELETE FROM idempotency_records
        WHERE client_id = (SELECT client_id FROM apps WHERE name = 'Two') RETURNING key";
    assert_eq!(server.database().rows(Store::Workspace, sql).await.len(), 1);
    let repeated = create_apps_with_key(&server, "key", &items).await;
    assert_counts(&repeated.expect(201), 2, 0);
    assert!(!repeated.is_replay());
    assert_eq!(app_count(&server).await, 4, "the first item was replayed, the second created");
}

#[tokio::test]
async fn the_numbers_of_an_item_with_a_key_are_compared_with_all_their_digits() {
    let server = TestServer::start().await;
    let create = async |number: &str| {
        let body = format!(
            r#"{{ "items": [{{ "name": "One", "idempotencyKey": "k", "ignored": {number} }}] }}"#
        );
        let path = format!("{APPS}/batch");
        server.post(&path).body("application/json", body).send().await.expect(201)
    };
    assert_counts(&create("18446744073709551616").await, 1, 0);
    assert_counts(&create("1844674407370955161.6e1").await, 1, 0);
    assert_eq!(app_count(&server).await, 2, "the demo's app and the item");
    let other = create("18446744073709551617").await;
    assert_eq!(other["results"][0]["error"]["code"], "IDEMPOTENCY_KEY_CONFLICT");
}

#[tokio::test]
async fn an_item_cannot_use_the_key_of_its_batch() {
    let server = TestServer::start().await;
    let items = json!([{ "name": "One", "idempotencyKey": "key" }]);
    let batch = create_apps_with_key(&server, "key", &items).await.expect(201);
    assert_eq!(batch["results"][0]["error"]["code"], "IDEMPOTENCY_KEY_CONFLICT");
    assert_eq!(app_count(&server).await, 1);
}

#[tokio::test]
async fn a_batch_stops_when_the_database_is_unavailable() {
    let server = TestServer::start().await;
    let items = json!([{ "name": "" }, { "name": "One" }, { "name": "Two" }]);
    let lock = server.database().lock("apps").await;
    let batch = create_apps(&server, items, true).await;
    drop(lock);
    let results = batch["results"].as_array().unwrap();
    let codes: Vec<&Value> = results.iter().map(|result| &result["error"]["code"]).collect();
    let expected = ["VALIDATION_MISSING_PARAMETER", "SYSTEM_UNAVAILABLE"];
    assert_eq!(codes, expected, "the third was not tried");
    assert_counts(&batch, 0, 2);
    assert_eq!(app_count(&server).await, 1);
}

#[tokio::test]
async fn a_batch_has_one_to_one_hundred_items_which_are_objects() {
    let server = TestServer::start().await;
    let items = |number: usize| -> Value {
        (0..number).map(|number| json!({ "name": format!("App {number}") })).collect()
    };
    for (items, code) in [
        (items(101), "VALIDATION_INVALID_PARAMETER"),
        (items(0), "VALIDATION_MISSING_PARAMETER"),
        (json!(["x"]), "VALIDATION_INVALID_PARAMETER"),
    ] {
        let body = json!({ "items": items });
        let refused = server.post(&format!("{APPS}/batch")).json(&body).send().await;
        assert_eq!(refused.expect_error(400, code)["details"]["parameter"], "items");
    }
    assert_eq!(app_count(&server).await, 1);
    assert_counts(&create_apps(&server, items(100), false).await, 100, 0);
    assert_eq!(app_count(&server).await, 101);
}

#[tokio::test]
async fn an_item_with_a_malformed_key_is_refused() {
    let server = TestServer::start().await;
    for malformed in [json!(""), json!(7), json!("k".repeat(256)), json!("k\u{0}")] {
        let items = json!([{ "name": "x", "idempotencyKey": malformed }]);
        let error = create_apps(&server, items, true).await["results"][0]["error"].clone();
        assert_eq!(error["code"], "VALIDATION_INVALID_PARAMETER");
        assert_eq!(error["details"]["parameter"], "idempotencyKey");
    }
    let longest = json!([{ "name": "x", "idempotencyKey": "k".repeat(255) }]);
    assert_counts(&create_apps(&server, longest, true).await, 1, 0);
    create_app(&server, &"k".repeat(255), &json!({ "name": "y" }))
        .await
        .expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
}
