//! §4, §11: making apps, one and many.

use std::collections::HashSet;
use std::time::Duration;

use domain::api_key::Access;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, TESTS, Tables, TestServer};

const APPS: &str = "/connect/v1/apps";

async fn make(site: &TestServer, key: &str, wish: &Value) -> Answer {
    site.post(APPS).idempotency_key(key).json(wish).send().await
}

async fn count(site: &TestServer) -> Value {
    site.get(APPS).send().await.expect(200)["total"].clone()
}

async fn batch(site: &TestServer, items: Value, continue_on_error: bool) -> Value {
    let body = json!({ "items": items, "continueOnError": continue_on_error });
    site.post(&format!("{APPS}/batch")).json(&body).send().await.expect(201)
}

#[tokio::test]
async fn a_new_app_has_an_id_a_secret_and_the_passport() {
    let site = TestServer::start().await;
    let wish = json!({ "name": "New Bank", "redirectUris": ["https://new.example/back"], "clientId": "Wanted00" });
    let answer = site.post(APPS).json(&wish).send().await;
    let app = answer.expect(201);
    let (id, secret) = (app["clientId"].as_str().unwrap(), app["clientSecret"].as_str().unwrap());
    assert_eq!(answer.header("location"), Some(&*format!("{APPS}/{id}")));
    assert!(
        id.len() == 8
            && id.bytes().all(|letter| letter.is_ascii_alphanumeric())
            && id != "Wanted00",
        "{id}"
    );
    assert!(
        secret.len() == 64 && secret.bytes().all(|digit| digit.is_ascii_hexdigit()),
        "{secret}"
    );
    assert_eq!(app["providers"], json!({ "passport": { "enabled": true } }));
    let mut shown = app.clone();
    shown["clientSecret"] = json!(format!("****{}", &secret[60..]));
    assert_eq!(site.get(&format!("{APPS}/{id}")).send().await.expect(200), shown);

    let path = format!("{APPS}/{id}/providers/bankidse/activation");
    site.call("PATCH", &path)
        .key(&site.api_key)
        .json(&json!({ "enabled": true }))
        .send()
        .await
        .expect(200);
    let order = json!({ "title": "x" });
    site.post(&format!("{APPS}/{id}/production-tests")).json(&order).send().await.expect(201);
}

#[tokio::test]
async fn what_is_wrong_is_named_and_makes_nothing() {
    let site = TestServer::start().await;
    for (wish, code, parameter) in [
        (json!({}), "VALIDATION_MISSING_PARAMETER", "name"),
        (json!({ "name": " " }), "VALIDATION_MISSING_PARAMETER", "name"),
        (json!({ "name": "x".repeat(101) }), "VALIDATION_INVALID_PARAMETER", "name"),
        (
            json!({ "name": "x", "redirectUris": ["x"] }),
            "VALIDATION_INVALID_PARAMETER",
            "redirectUris",
        ),
    ] {
        let error = make(&site, "key", &wish).await.expect_error(400, code);
        assert_eq!(error["details"]["parameter"], parameter);
    }
    let reader = site.key(&site.demo_workspace().await, |key| key.access = Access::ReadOnly).await;
    let wish = json!({ "name": "x" });
    site.call("POST", APPS)
        .key(&reader)
        .json(&wish)
        .send()
        .await
        .expect_error(403, "AUTH_FORBIDDEN");
    assert_eq!(count(&site).await, 1);
    make(&site, "key", &wish).await.expect(201);
}

#[tokio::test]
async fn a_repetition_is_answered_as_the_first_was_secret_and_all() {
    let site = TestServer::start().await;
    let wish = json!({ "name": "New Bank", "redirectUris": ["https://new.example/back"] });
    let first = make(&site, "key", &wish).await;
    let id = first.expect(201)["clientId"].as_str().unwrap().to_owned();
    // Whatever has become of it since.
    site.advance(Duration::from_hours(1));
    let change = json!({ "name": "Renamed" });
    site.call("PATCH", &format!("{APPS}/{id}"))
        .key(&site.api_key)
        .json(&change)
        .send()
        .await
        .expect(200);
    site.post(&format!("{APPS}/{id}/rotate-client-secret")).send().await.expect(201);
    let again = make(&site, "key", &wish).await;
    assert_eq!(
        (again.expect(201), again.header("location")),
        (first.expect(201), first.header("location"))
    );
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(count(&site).await, 2);

    // The key's earlier use comes before the fields.
    for other in [json!({ "name": "Other" }), json!({ "name": "" })] {
        make(&site, "key", &other).await.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    }
    site.advance(Duration::from_hours(24));
    assert_ne!(make(&site, "key", &wish).await.expect(201)["clientId"], id);
}

#[tokio::test]
async fn the_secret_is_shown_again_to_the_key_that_made_it_and_to_no_other() {
    let site = TestServer::start().await;
    let wish = json!({ "name": "New Bank" });
    let first = make(&site, "key", &wish).await.expect(201);
    let secret = first["clientSecret"].as_str().unwrap();
    let colleague = site.key(&site.demo_workspace().await, |_| {}).await;
    let theirs = site
        .call("POST", APPS)
        .key(&colleague)
        .idempotency_key("key")
        .json(&wish)
        .send()
        .await
        .expect(201);
    assert_eq!(
        (&theirs["clientId"], &theirs["clientSecret"]),
        (&first["clientId"], &json!("****"))
    );
    for sql in ["SELECT * FROM apps", "SELECT * FROM idempotency_records"] {
        let stored = site.ground().rows(Tables::Connect, sql).await.concat();
        assert!(stored.into_iter().flatten().all(|value| !value.contains(secret)), "{sql}");
    }
}

/// A record that was written before ChaCha20-Poly1305 has a sealed secret of 40 bytes.
#[tokio::test]
async fn a_secret_sealed_in_the_previous_format_is_redacted() {
    let server = TestServer::start().await;
    let body = json!({ "name": "New Bank" });
    let first = make(&server, "key", &body).await.expect(201);
    let sql = "UPDATE idempotency_records SET sealed_secret = substr(sealed_secret, 1, 40)";
    server.ground().rows(Tables::Connect, sql).await;
    let replayed = make(&server, "key", &body).await.expect(201);
    assert_eq!(
        (&replayed["clientId"], &replayed["clientSecret"]),
        (&first["clientId"], &json!("****"))
    );
}

#[tokio::test]
async fn a_key_is_for_one_request_whatever_it_makes() {
    let site = TestServer::start().await;
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
    let site = TestServer::start().await;
    let wish = json!({ "name": "New Bank" });
    let answers = join_all((0..50).map(|_| make(&site, "key", &wish))).await;
    let apps: HashSet<String> =
        answers.iter().map(|answer| answer.expect(201).to_string()).collect();
    assert_eq!((apps.len(), count(&site).await), (1, json!(2)));
}

#[tokio::test]
async fn many_apps_are_made_each_by_itself() {
    let site = TestServer::start().await;
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
    assert_eq!(
        finished["results"][0], stopped["results"][0],
        "the first was made before, under the same key"
    );
    assert_eq!(finished["results"][0]["idempotencyKey"], "one");
    assert_eq!(finished["results"][2]["app"]["name"], "Three");
    assert_eq!(count(&site).await, 3);
}

async fn batch_with(site: &TestServer, key: &str, items: &Value) -> Answer {
    site.post(&format!("{APPS}/batch"))
        .idempotency_key(key)
        .json(&json!({ "items": items }))
        .send()
        .await
}

#[tokio::test]
async fn a_repeated_batch_makes_nothing_new_and_another_one_is_a_conflict() {
    let site = TestServer::start().await;
    let items =
        json!([{ "name": "One" }, { "name": "Two", "idempotencyKey": "two" }, { "name": "One" }]);
    let first = batch_with(&site, "key", &items).await;
    assert_eq!(first.expect(201)["successCount"], 3);
    assert_eq!(first.header("idempotency-replayed"), None);
    let again = batch_with(&site, "key", &items).await;
    assert_eq!(
        (again.expect(201), again.header("idempotency-replayed")),
        (first.expect(201), Some("true"))
    );
    assert_eq!(count(&site).await, 4, "two of one name are two");

    for other in [json!([{ "name": "One" }]), json!([{ "name": "" }]), json!([])] {
        batch_with(&site, "key", &other).await.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    }
    make(&site, "key", &json!({ "name": "x" })).await.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    let order = site.post(TESTS).idempotency_key("key").json(&json!({ "title": "x" })).send().await;
    order.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    // An item's own key is for that item, whichever request it comes with.
    let other =
        batch_with(&site, "other", &json!([{ "name": "Two", "idempotencyKey": "two" }])).await;
    assert_eq!(other.expect(201)["results"][0], first.expect(201)["results"][1]);
    assert_eq!(count(&site).await, 4);

    site.advance(Duration::from_hours(24));
    assert_eq!(batch_with(&site, "key", &items).await.header("idempotency-replayed"), None);
    assert_eq!(count(&site).await, 7);
}

#[tokio::test]
async fn a_batch_that_made_nothing_leaves_its_key_free_and_one_that_was_cut_short_is_finished() {
    let site = TestServer::start().await;
    let refused = batch_with(&site, "key", &json!([{ "name": "" }])).await;
    assert_eq!(
        (&refused.expect(201)["errorCount"], refused.header("idempotency-replayed")),
        (&json!(1), None)
    );
    let items = json!([{ "name": "One" }, { "name": "Two" }]);
    batch_with(&site, "key", &items).await.expect(201);
    // As if the server had died after the first.
    let sql = "DELETE FROM idempotency_records WHERE client_id = (SELECT client_id FROM apps WHERE name = 'Two') RETURNING key";
    assert_eq!(site.ground().rows(Tables::Connect, sql).await.len(), 1);
    let again = batch_with(&site, "key", &items).await;
    assert_eq!(
        (&again.expect(201)["successCount"], again.header("idempotency-replayed")),
        (&json!(2), None)
    );
    assert_eq!(count(&site).await, 4, "the first was there, the second was made");
}

#[tokio::test]
async fn a_batch_and_its_items_do_not_share_a_key() {
    let site = TestServer::start().await;
    let made = batch_with(&site, "key", &json!([{ "name": "One", "idempotencyKey": "key" }]))
        .await
        .expect(201);
    assert_eq!(made["results"][0]["error"]["code"], "IDEMPOTENCY_KEY_CONFLICT");
    assert_eq!(count(&site).await, 1);
}

#[tokio::test]
async fn a_batch_stops_when_the_database_is_not_there() {
    let site = TestServer::start().await;
    let body = json!({ "items": [{ "name": "" }, { "name": "One" }, { "name": "Two" }], "continueOnError": true });
    let locked = site.ground().lock("apps").await;
    let answer = site.post(&format!("{APPS}/batch")).json(&body).send().await.expect(201);
    drop(locked);
    let codes: Vec<&Value> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| &result["error"]["code"])
        .collect();
    assert_eq!(
        codes,
        ["VALIDATION_MISSING_PARAMETER", "SYSTEM_UNAVAILABLE"],
        "the rest was not tried"
    );
    assert_eq!((&answer["successCount"], &answer["errorCount"]), (&json!(0), &json!(2)));
    assert_eq!(count(&site).await, 1);
}

#[tokio::test]
async fn whatever_is_created_the_keys_form_is_checked() {
    let site = TestServer::start().await;
    let body = json!({ "name": "x", "items": [{ "name": "x" }] });
    for path in
        [APPS.to_owned(), format!("{APPS}/batch"), format!("{APPS}/FK5b0KSM/rotate-client-secret")]
    {
        let call = || site.post(&path).json(&body);
        let doubled = call().idempotency_key("a").idempotency_key("b");
        for refused in
            [call().idempotency_key(""), call().idempotency_key(&"k".repeat(256)), doubled]
        {
            let error = refused.send().await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
            assert_eq!(error["details"]["parameter"], "Idempotency-Key", "{path}");
        }
    }
    assert_eq!(count(&site).await, 1);
}

#[tokio::test]
async fn a_hundred_at_once_and_no_more() {
    let site = TestServer::start().await;
    let items = |number: usize| -> Value {
        (0..number).map(|number| json!({ "name": format!("App {number}") })).collect()
    };
    for (items, code) in [
        (items(101), "VALIDATION_INVALID_PARAMETER"),
        (items(0), "VALIDATION_MISSING_PARAMETER"),
        (json!(["x"]), "VALIDATION_INVALID_PARAMETER"),
    ] {
        let refused =
            site.post(&format!("{APPS}/batch")).json(&json!({ "items": items })).send().await;
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
