//! §4, §11: making apps, one and many.

use std::collections::HashSet;
use std::time::Duration;

use domain::api_key::Access;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Site, TESTS, Tables};

const APPS: &str = "/connect/v1/apps";

async fn make(site: &Site, key: &str, wish: &Value) -> Answer {
    site.post(APPS).idempotency_key(key).json(wish).send().await
}

async fn count(site: &Site) -> Value {
    site.get(APPS).send().await.expect(200)["total"].clone()
}

async fn batch(site: &Site, items: Value, continue_on_error: bool) -> Value {
    let body = json!({ "items": items, "continueOnError": continue_on_error });
    site.post(&format!("{APPS}/batch")).json(&body).send().await.expect(201)
}

#[tokio::test]
async fn a_new_app_has_an_id_a_secret_and_the_passport() {
    let site = Site::start().await;
    let wish = json!({ "name": "New Bank", "redirectUris": ["https://new.example/back"], "clientId": "Wanted00" });
    let answer = site.post(APPS).json(&wish).send().await;
    let app = answer.expect(201);
    let (id, secret) = (app["clientId"].as_str().unwrap(), app["clientSecret"].as_str().unwrap());
    assert_eq!(answer.header("location"), Some(&*format!("{APPS}/{id}")));
    assert!(id.len() == 8 && id.bytes().all(|letter| letter.is_ascii_alphanumeric()) && id != "Wanted00", "{id}");
    assert!(secret.len() == 64 && secret.bytes().all(|digit| digit.is_ascii_hexdigit()), "{secret}");
    assert_eq!(app["providers"], json!({ "passport": { "enabled": true } }));
    let mut shown = app.clone();
    shown["clientSecret"] = json!(format!("****{}", &secret[60..]));
    assert_eq!(site.get(&format!("{APPS}/{id}")).send().await.expect(200), shown);

    let path = format!("{APPS}/{id}/providers/bankidse/activation");
    site.call("PATCH", &path).key(&site.api_key).json(&json!({ "enabled": true })).send().await.expect(200);
    let order = json!({ "title": "x" });
    site.post(&format!("{APPS}/{id}/production-tests")).json(&order).send().await.expect(201);
}

#[tokio::test]
async fn what_is_wrong_is_named_and_makes_nothing() {
    let site = Site::start().await;
    for (wish, code, parameter) in [
        (json!({}), "VALIDATION_MISSING_PARAMETER", "name"),
        (json!({ "name": " " }), "VALIDATION_MISSING_PARAMETER", "name"),
        (json!({ "name": "x".repeat(101) }), "VALIDATION_INVALID_PARAMETER", "name"),
        (json!({ "name": "x", "redirectUris": ["x"] }), "VALIDATION_INVALID_PARAMETER", "redirectUris"),
    ] {
        let error = make(&site, "key", &wish).await.expect_error(400, code);
        assert_eq!(error["details"]["parameter"], parameter);
    }
    let reader = site.key(&site.demo_workspace().await, |key| key.access = Access::ReadOnly).await;
    let wish = json!({ "name": "x" });
    site.call("POST", APPS).key(&reader).json(&wish).send().await.expect_error(403, "AUTH_FORBIDDEN");
    assert_eq!(count(&site).await, 1);
    make(&site, "key", &wish).await.expect(201);
}

#[tokio::test]
async fn a_repetition_is_answered_as_the_first_was_secret_and_all() {
    let site = Site::start().await;
    let wish = json!({ "name": "New Bank", "redirectUris": ["https://new.example/back"] });
    let first = make(&site, "key", &wish).await;
    let id = first.expect(201)["clientId"].as_str().unwrap().to_owned();
    // Whatever has become of it since.
    site.advance(Duration::from_hours(1));
    let change = json!({ "name": "Renamed" });
    site.call("PATCH", &format!("{APPS}/{id}")).key(&site.api_key).json(&change).send().await.expect(200);
    site.post(&format!("{APPS}/{id}/rotate-client-secret")).send().await.expect(201);
    let again = make(&site, "key", &wish).await;
    assert_eq!((again.expect(201), again.header("location")), (first.expect(201), first.header("location")));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(count(&site).await, 2);

    make(&site, "key", &json!({ "name": "Other" })).await.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    site.advance(Duration::from_hours(24));
    assert_ne!(make(&site, "key", &wish).await.expect(201)["clientId"], id);
}

#[tokio::test]
async fn the_secret_is_shown_again_to_the_key_that_made_it_and_to_no_other() {
    let site = Site::start().await;
    let wish = json!({ "name": "New Bank" });
    let first = make(&site, "key", &wish).await.expect(201);
    let secret = first["clientSecret"].as_str().unwrap();
    let colleague = site.key(&site.demo_workspace().await, |_| {}).await;
    let theirs = site.call("POST", APPS).key(&colleague).idempotency_key("key").json(&wish).send().await.expect(201);
    assert_eq!((&theirs["clientId"], &theirs["clientSecret"]), (&first["clientId"], &json!("****")));
    for sql in ["SELECT * FROM apps", "SELECT * FROM idempotency_records"] {
        let stored = site.ground().rows(Tables::Connect, sql).await.concat();
        assert!(stored.into_iter().flatten().all(|value| !value.contains(secret)), "{sql}");
    }
}

#[tokio::test]
async fn a_key_is_for_one_request_whatever_it_makes() {
    let site = Site::start().await;
    let (order, app) = (json!({ "title": "x" }), json!({ "name": "x" }));
    site.post(TESTS).idempotency_key("first").json(&order).send().await.expect(201);
    make(&site, "first", &app).await.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    make(&site, "second", &app).await.expect(201);
    let refused = site.post(TESTS).idempotency_key("second").json(&order).send().await;
    refused.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    // After a day either may take it from the other.
    site.advance(Duration::from_hours(24));
    site.post(TESTS).idempotency_key("second").json(&order).send().await.expect(201);
    make(&site, "first", &app).await.expect(201);
    make(&site, "second", &app).await.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
}

#[tokio::test]
async fn many_repetitions_at_once_make_one_app() {
    let site = Site::start().await;
    let wish = json!({ "name": "New Bank" });
    let answers = join_all((0..50).map(|_| make(&site, "key", &wish))).await;
    let apps: HashSet<String> = answers.iter().map(|answer| answer.expect(201).to_string()).collect();
    assert_eq!((apps.len(), count(&site).await), (1, json!(2)));
}

#[tokio::test]
async fn many_apps_are_made_each_by_itself() {
    let site = Site::start().await;
    let items = json!([
        { "name": "One", "idempotencyKey": "one", "redirectUris": ["https://one.example/"] },
        { "name": "" },
        { "name": "Three" },
    ]);
    let stopped = batch(&site, items.clone(), false).await;
    assert_eq!((&stopped["successCount"], &stopped["errorCount"]), (&json!(1), &json!(1)));
    assert_eq!(stopped["results"].as_array().unwrap().len(), 2, "the rest was not tried");
    let error = &stopped["results"][1];
    assert_eq!(error["error"]["code"], "VALIDATION_MISSING_PARAMETER");
    assert_eq!((error.get("app"), &error["idempotencyKey"]), (None, &Value::Null));

    let finished = batch(&site, items, true).await;
    assert_eq!((&finished["successCount"], &finished["errorCount"]), (&json!(2), &json!(1)));
    assert_eq!(finished["results"][0], stopped["results"][0], "the first was made before, under the same key");
    assert_eq!(finished["results"][0]["idempotencyKey"], "one");
    assert_eq!(finished["results"][2]["app"]["name"], "Three");
    assert_eq!(count(&site).await, 3);
}

#[tokio::test]
async fn a_hundred_at_once_and_no_more() {
    let site = Site::start().await;
    let items =
        |number: usize| -> Value { (0..number).map(|number| json!({ "name": format!("App {number}") })).collect() };
    for (items, code) in [
        (items(101), "VALIDATION_INVALID_PARAMETER"),
        (items(0), "VALIDATION_MISSING_PARAMETER"),
        (json!(["x"]), "VALIDATION_INVALID_PARAMETER"),
    ] {
        let refused = site.post(&format!("{APPS}/batch")).json(&json!({ "items": items })).send().await;
        assert_eq!(refused.expect_error(400, code)["details"]["parameter"], "items");
    }
    assert_eq!(count(&site).await, 1);
    assert_eq!(batch(&site, items(100), false).await["successCount"], 100);
    assert_eq!(count(&site).await, 101);
    for bad_key in [json!(""), json!(7), json!("k".repeat(256)), json!("k\u{0}")] {
        let refused = batch(&site, json!([{ "name": "x", "idempotencyKey": bad_key }]), true).await;
        assert_eq!(refused["results"][0]["error"]["code"], "VALIDATION_INVALID_PARAMETER");
        assert_eq!(refused["results"][0]["error"]["details"]["parameter"], "idempotencyKey");
    }
}
