//! §11: apps.

use std::time::Duration;

use domain::api_key::Access;
use serde_json::{Value, json};

use crate::support::{TESTS, Tables, TestServer};

const APPS: &str = "/connect/v1/apps";
const APP: &str = "/connect/v1/apps/FK5b0KSM";

async fn patch(site: &TestServer, change: &Value) -> crate::support::Answer {
    site.call("PATCH", APP).key(&site.api_key).json(change).send().await
}

#[tokio::test]
async fn an_app_is_shown_with_all_that_is_known_of_it_but_its_secret() {
    let site = TestServer::start().await;
    let app = site.get(APP).send().await.expect(200);
    let made = "2026-04-08T10:00:00.000Z";
    let enabled = json!({ "enabled": true });
    assert_eq!(
        app,
        json!({ "clientId": "FK5b0KSM", "clientSecret": "****", "name": "Acme Bank", "redirectUris": [],
            "providers": { "bankidse": enabled, "mitid": enabled, "smartid": enabled, "frejaid": enabled },
            "organizationId": site.demo_workspace().await.as_str(), "webhookConfig": null, "defaultWorkflowId": "default",
            "workflows": [], "createdAt": made, "updatedAt": made })
    );
}

#[tokio::test]
async fn apps_are_listed_in_pages_oldest_first() {
    let site = TestServer::start().await;
    let workspace = site.demo_workspace().await;
    for name in ["SecondAp", "ThirdApp"] {
        site.advance(Duration::from_secs(1));
        site.app(&workspace, name, &["bankidse", "mitid"]).await;
    }
    let ids = |page: &Value| -> Vec<String> {
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|app| app["clientId"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = site.get(APPS).send().await.expect(200);
    assert_eq!(ids(&all), ["FK5b0KSM", "SecondAp", "ThirdApp"]);
    assert_eq!((&all["total"], &all["limit"], &all["offset"]), (&json!(3), &json!(20), &json!(0)));
    assert_eq!(all["data"][0], site.get(APP).send().await.expect(200));
    let page = site.get(&format!("{APPS}?limit=1&offset=1")).send().await.expect(200);
    assert_eq!(
        (ids(&page), &page["total"], &page["limit"]),
        (vec!["SecondAp".into()], &json!(3), &json!(1))
    );
    let beyond = site.get(&format!("{APPS}?offset=7")).send().await.expect(200);
    assert_eq!((&beyond["data"], &beyond["total"]), (&json!([]), &json!(3)));
    for wrong in ["limit=0", "limit=101", "limit=x", "offset=-1"] {
        let refused = site.get(&format!("{APPS}?{wrong}")).send().await;
        refused.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    }
}

#[tokio::test]
async fn what_is_said_is_changed_and_the_rest_stays() {
    let site = TestServer::start().await;
    let before = site.get(APP).send().await.expect(200);
    site.advance(Duration::from_secs(1));
    let uris = json!(["https://bank.example/back", "com.bank.app:/back"]);
    let changed =
        patch(&site, &json!({ "redirectUris": uris, "clientId": "Another0", "clientSecret": "x" }))
            .await
            .expect(200);
    let mut expected = before;
    expected["redirectUris"] = uris;
    expected["updatedAt"] = json!("2026-04-08T10:00:01.000Z");
    assert_eq!(changed, expected);
    assert_eq!(
        patch(&site, &json!({ "name": null })).await.expect(200),
        expected,
        "nothing is changed by nothing"
    );
    assert_eq!(patch(&site, &json!({ "name": "New Bank" })).await.expect(200)["name"], "New Bank");
    let challenge = site.challenge(&json!({ "title": "x" })).await;
    let open = site.call("GET", "/tpas/v1/challenges/open").send().await.expect(200);
    assert_eq!((&open[0]["id"], &open[0]["hostName"]), (&json!(challenge), &json!("New Bank")));
}

#[tokio::test]
async fn bad_changes_are_refused_and_change_nothing() {
    let site = TestServer::start().await;
    let before = site.get(APP).send().await.expect(200);
    let many: Vec<String> =
        (0..101).map(|number| format!("https://bank.example/{number}")).collect();
    for (change, parameter) in [
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x".repeat(101), "redirectUris": ["https://ok.example/"] }), "name"),
        (json!({ "redirectUris": "https://bank.example" }), "redirectUris"),
        (json!({ "redirectUris": ["bank.example"] }), "redirectUris"),
        (json!({ "redirectUris": ["https://bank.example/#here"] }), "redirectUris"),
        (json!({ "redirectUris": ["javascript:alert(1)"] }), "redirectUris"),
        (json!({ "redirectUris": many }), "redirectUris"),
    ] {
        let error = patch(&site, &change).await.expect(400)["error"].clone();
        assert_eq!(error["details"]["parameter"], parameter, "{error}");
    }
    assert_eq!(site.get(APP).send().await.expect(200), before);
}

#[tokio::test]
async fn redirect_uris_can_be_read_and_replaced_by_themselves() {
    let site = TestServer::start().await;
    let path = format!("{APP}/redirect-uris");
    assert_eq!(site.get(&path).send().await.expect(200), json!({ "redirectUris": [] }));
    let put = |body: Value| site.call("PUT", &path).key(&site.api_key).json(&body).send();
    let wanted = json!({ "redirectUris": ["https://bank.example/back"] });
    assert_eq!(put(wanted.clone()).await.expect(200), wanted);
    assert_eq!(site.get(&path).send().await.expect(200), wanted);
    assert_eq!(put(json!({ "redirectUris": [] })).await.expect(200), json!({ "redirectUris": [] }));
    put(json!({})).await.expect_error(400, "VALIDATION_MISSING_PARAMETER");
    put(json!({ "redirectUris": [1] })).await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
}

#[tokio::test]
async fn a_rotated_secret_is_shown_once_and_only_its_hash_is_kept() {
    let site = TestServer::start().await;
    let hash = "SELECT client_secret_hash FROM apps";
    let before = site.ground().value(Tables::Connect, hash).await;
    let rotated = site.post(&format!("{APP}/rotate-client-secret")).send().await.expect(201);
    let secret = rotated["clientSecret"].as_str().unwrap();
    assert!(
        secret.len() == 64 && secret.bytes().all(|digit| digit.is_ascii_hexdigit()),
        "{secret}"
    );
    assert_ne!(site.ground().value(Tables::Connect, hash).await, before);
    let shown = site.get(APP).send().await.expect(200)["clientSecret"].clone();
    assert_eq!(shown, format!("****{}", &secret[60..]));
    let again = site.post(&format!("{APP}/rotate-client-secret")).send().await.expect(201);
    assert_ne!(again["clientSecret"], secret);
    let stored = site.ground().rows(Tables::Connect, "SELECT * FROM apps").await.concat();
    assert!(stored.into_iter().flatten().all(|value| !value.contains(secret)));
}

#[tokio::test]
async fn a_repeated_rotation_is_answered_with_the_same_secret_and_rotates_nothing() {
    let site = TestServer::start().await;
    let path = format!("{APP}/rotate-client-secret");
    let rotate = |key: &'static str| site.post(&path).idempotency_key(key).send();
    let first = rotate("key").await;
    assert_eq!(first.header("idempotency-replayed"), None);
    let other = rotate("other").await.expect(201);
    assert_ne!(other, first.expect(201));
    let shown = site.get(APP).send().await.expect(200);

    site.advance(Duration::from_mins(1));
    let again = rotate("key").await;
    assert_eq!(
        (again.expect(201), again.header("idempotency-replayed")),
        (first.expect(201), Some("true"))
    );
    assert_eq!(
        site.get(APP).send().await.expect(200),
        shown,
        "the second secret is still the one that counts"
    );
    // The secret is for whoever has seen it before.
    let colleague = site.key(&site.demo_workspace().await, |_| {}).await;
    let theirs = site.call("POST", &path).key(&colleague).idempotency_key("key").send().await;
    assert_eq!(theirs.expect(201), json!({ "clientSecret": "****" }));

    let order =
        site.post(TESTS).idempotency_key("order").json(&json!({ "title": "x" })).send().await;
    order.expect(201);
    rotate("order").await.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    let order = site.post(TESTS).idempotency_key("key").json(&json!({ "title": "x" })).send().await;
    order.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    let unknown = site
        .post("/connect/v1/apps/Unknown0/rotate-client-secret")
        .idempotency_key("key")
        .send()
        .await;
    unknown.expect_error(404, "RESOURCE_NOT_FOUND");

    for sql in ["SELECT * FROM apps", "SELECT * FROM idempotency_records"] {
        let stored = site.ground().rows(Tables::Connect, sql).await.concat();
        let secret = other["clientSecret"].as_str().unwrap();
        assert!(stored.into_iter().flatten().all(|value| !value.contains(secret)), "{sql}");
    }
    site.advance(Duration::from_hours(24));
    assert_ne!(rotate("key").await.expect(201), first.expect(201));
}

#[tokio::test]
async fn a_deleted_app_is_gone_and_what_it_has_ordered_is_called_off() {
    let site = TestServer::start().await;
    let running = site
        .challenge(&json!({ "title": "running", "maxStamps": 2, "providerIds": ["bankidse"] }))
        .await;
    assert_eq!(site.take_part(&running, "bankidse", "Ada").await, "claimed");
    let complete = site
        .challenge(&json!({ "title": "complete", "maxStamps": 1, "providerIds": ["bankidse"] }))
        .await;
    assert_eq!(site.take_part(&complete, "bankidse", "Ada").await, "claimed");
    site.round().await;
    site.order(&json!({ "title": "pending" })).await.expect(201);
    let before = site.get(APP).send().await.expect(200);

    assert_eq!(site.call("DELETE", APP).key(&site.api_key).send().await.expect(200), before);
    for path in [
        APP.to_owned(),
        TESTS.to_owned(),
        format!("{TESTS}/{running}/report"),
        format!("{APP}/providers"),
    ] {
        site.get(&path).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    }
    site.order(&json!({ "title": "x" })).await.expect_error(404, "RESOURCE_NOT_FOUND");
    site.call("DELETE", APP)
        .key(&site.api_key)
        .send()
        .await
        .expect_error(404, "RESOURCE_NOT_FOUND");
    assert_eq!(site.get(APPS).send().await.expect(200)["total"], 0);
    assert_eq!(site.get("/connect/v1/workspace").send().await.expect(200)["apps_count"], 0);

    site.round().await;
    assert_eq!(site.call("GET", "/tpas/v1/challenges/open").send().await.expect(200), json!([]));
    site.join(&running, "bankidse").send().await.expect_error(409, "RESOURCE_CONFLICT");
    let sql = "SELECT title, status, CASE WHEN challenge_is_closed THEN 'closed' END FROM challenge_requests ORDER BY title";
    let standing = site.ground().rows(Tables::Connect, sql).await;
    let row = |title: &str, status: &str, closed: Option<&str>| {
        vec![Some(title.to_owned()), Some(status.to_owned()), closed.map(str::to_owned)]
    };
    assert_eq!(
        standing,
        [
            row("complete", "scheduled", None),
            row("pending", "cancelled", None),
            row("running", "scheduled", Some("closed"))
        ]
    );
    let stamps = site.ground().value(Tables::Tpas, "SELECT COUNT(*) FROM stamp_claims").await;
    assert_eq!(stamps.as_deref(), Some("2"), "what was claimed stays claimed");
}

#[tokio::test]
async fn only_who_may_change_things_can_and_only_their_own() {
    let site = TestServer::start().await;
    let before = site.get(APP).send().await.expect(200);
    let reader = site.key(&site.demo_workspace().await, |key| key.access = Access::ReadOnly).await;
    let (_, stranger) = site.workspace().await;
    let change = json!({ "name": "Stolen", "redirectUris": ["https://thief.example/"] });
    for (method, path) in [
        ("PATCH", APP.to_owned()),
        ("DELETE", APP.to_owned()),
        ("PUT", format!("{APP}/redirect-uris")),
        ("POST", format!("{APP}/rotate-client-secret")),
    ] {
        site.call(method, &path)
            .key(&reader)
            .json(&change)
            .send()
            .await
            .expect_error(403, "AUTH_FORBIDDEN");
        site.call(method, &path)
            .key(&stranger)
            .json(&change)
            .send()
            .await
            .expect_error(404, "RESOURCE_NOT_FOUND");
    }
    site.call("GET", APP).key(&stranger).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    site.call("GET", APP).key(&reader).send().await.expect(200);
    assert_eq!(site.get(APP).send().await.expect(200), before);
}
