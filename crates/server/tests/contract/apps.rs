//! §11: apps, read and changed.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{APP, APPS, TestResponse, TestServer};

async fn patch(server: &TestServer, change: &Value) -> TestResponse {
    server.authorized("PATCH", APP).json(change).send().await
}

#[tokio::test]
async fn an_app_is_shown_without_its_secret() {
    let server = TestServer::start().await;
    let app = server.get(APP).send().await.expect(200);
    let created = "2026-04-08T10:00:00.000Z";
    let enabled = json!({ "enabled": true });
    let expected = json!({
        "clientId": "FK5b0KSM",
        "clientSecret": "****",
        "name": "Acme Bank",
        "redirectUris": [],
        "providers":
            { "bankidse": enabled, "mitid": enabled, "smartid": enabled, "frejaid": enabled },
        "organizationId": server.demo_workspace().await.as_str(),
        "webhookConfig":
            { "enabled": false, "retryAttempts": 3, "timeoutSeconds": 10, "events": [] },
        "defaultWorkflowId": "default",
        "workflows": [{
            "workflowId": "default", "name": "Acme Bank", "entryNodeId": "start", "nodes": []
        }],
        "createdAt": created,
        "updatedAt": created,
    });
    assert_eq!(app, expected);
}

#[tokio::test]
async fn apps_are_listed_in_pages_oldest_first() {
    let server = TestServer::start().await;
    let workspace = server.demo_workspace().await;
    for name in ["SecondAp", "ThirdApp"] {
        server.advance(Duration::from_secs(1));
        server.create_app(&workspace, name, &["bankidse", "mitid"]).await;
    }
    let list = async |query: &str| server.get(&format!("{APPS}{query}")).send().await;
    let ids = |page: &Value| -> Vec<String> {
        let apps = page["data"].as_array().unwrap();
        apps.iter().map(|app| app["clientId"].as_str().unwrap().to_owned()).collect()
    };
    let all = list("").await.expect(200);
    assert_eq!(ids(&all), ["FK5b0KSM", "SecondAp", "ThirdApp"]);
    assert_eq!((&all["total"], &all["limit"], &all["offset"]), (&json!(3), &json!(20), &json!(0)));
    assert_eq!(all["data"][0], server.get(APP).send().await.expect(200));
    let page = list("?limit=1&offset=1").await.expect(200);
    assert_eq!(ids(&page), ["SecondAp"]);
    assert_eq!((&page["total"], &page["limit"]), (&json!(3), &json!(1)));
    let beyond = list("?offset=7").await.expect(200);
    assert_eq!((&beyond["data"], &beyond["total"]), (&json!([]), &json!(3)));
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("offset=-1", "offset"),
    ] {
        let refused = list(&format!("?{query}")).await;
        let error = refused.expect_error(400, "VALIDATION_INVALID_PARAMETER");
        assert_eq!(error["details"]["parameter"], parameter, "{query}");
    }
}

#[tokio::test]
async fn a_change_changes_the_members_that_it_names_and_no_others() {
    let server = TestServer::start().await;
    let before = server.get(APP).send().await.expect(200);
    server.advance(Duration::from_secs(1));
    let uris = json!(["https://bank.example/back", "com.bank.app://back"]);
    // The host is written in lower case, and repetitions are dropped.
    let sent = json!(["https://BANK.example/back", "com.bank.app://back", uris[0]]);
    let change = json!({ "redirectUris": sent, "clientId": "Another0", "clientSecret": "x" });
    let changed = patch(&server, &change).await.expect(200);
    let mut expected = before;
    expected["redirectUris"] = uris;
    expected["updatedAt"] = json!("2026-04-08T10:00:01.000Z");
    assert_eq!(changed, expected);
    server.advance(Duration::from_secs(1));
    let unchanged = patch(&server, &json!({ "name": null })).await.expect(200);
    assert_eq!(unchanged, expected, "a change without members changes nothing");
}

#[tokio::test]
async fn the_new_name_of_an_app_is_the_host_of_its_next_challenges() {
    let server = TestServer::start().await;
    let renamed = patch(&server, &json!({ "name": "New Bank" })).await.expect(200);
    assert_eq!(renamed["name"], "New Bank");
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let open = server.open_challenges().await;
    assert_eq!((&open[0]["id"], &open[0]["hostName"]), (&json!(challenge), &json!("New Bank")));
}

#[tokio::test]
async fn an_invalid_change_is_refused_and_changes_nothing() {
    let server = TestServer::start().await;
    let before = server.get(APP).send().await.expect(200);
    let many: Vec<String> =
        (0..21).map(|number| format!("https://bank.example/{number}")).collect();
    for (change, parameter) in [
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x".repeat(101), "redirectUris": ["https://ok.example/"] }), "name"),
        (json!({ "redirectUris": "https://bank.example" }), "redirectUris"),
        (json!({ "redirectUris": ["bank.example"] }), "redirectUris"),
        (json!({ "redirectUris": ["https://bank.example/#here"] }), "redirectUris"),
        (json!({ "redirectUris": ["javascript://x/%0aalert(1)"] }), "redirectUris"),
        (json!({ "redirectUris": ["https:///cb"] }), "redirectUris"),
        (json!({ "redirectUris": ["https://bank.example:99999/cb"] }), "redirectUris"),
        (json!({ "redirectUris": ["https://bank.example@evil.example/"] }), "redirectUris"),
        (json!({ "redirectUris": many }), "redirectUris"),
        (json!({ "logo": "https://bank.example/logo.png" }), "logo"),
        (json!({ "logo": "data:text/html;base64,PHN2Zz4=" }), "logo"),
        (json!({ "logo": "data:image/png;base64,PHN2Zz4=" }), "logo"),
        (json!({ "defaultSuccessRedirectUri": "bank.example" }), "defaultSuccessRedirectUri"),
        (json!({ "defaultFailureRedirectUri": "javascript://x/" }), "defaultFailureRedirectUri"),
    ] {
        let error = patch(&server, &change).await.expect(400)["error"].clone();
        assert_eq!(error["details"]["parameter"], parameter, "{error}");
    }
    assert_eq!(server.get(APP).send().await.expect(200), before);
}

const PNG: &str = "data:image/png;base64,iVBORw0KGgoAAAAN";

#[tokio::test]
async fn an_app_has_a_logo_and_says_where_testers_go_on_until_they_are_removed() {
    let server = TestServer::start().await;
    let before = server.get(APP).send().await.expect(200);
    let change = json!({ "logo": PNG, "defaultSuccessRedirectUri": "https://BANK.example/thanks",
        "defaultFailureRedirectUri": "com.bank.app://help" });
    let changed = patch(&server, &change).await.expect(200);
    let mut expected = before.clone();
    expected["logo"] = json!(PNG);
    expected["defaultSuccessRedirectUri"] = json!("https://bank.example/thanks");
    expected["defaultFailureRedirectUri"] = json!("com.bank.app://help");
    assert_eq!(changed, expected);
    assert_eq!(patch(&server, &json!({ "logo": null })).await.expect(200), expected);
    assert_eq!(server.get(APPS).send().await.expect(200)["data"][0], expected);
    let remove =
        json!({ "logo": "", "defaultSuccessRedirectUri": "", "defaultFailureRedirectUri": "" });
    assert_eq!(patch(&server, &remove).await.expect(200), before);
}

#[tokio::test]
async fn a_logo_has_up_to_64_kib_and_only_the_bodies_that_take_one_have_room_for_it() {
    let server = TestServer::start().await;
    let prefix = "data:image/svg+xml;base64,PHN2ZyAg";
    let room = (64 * 1024 - prefix.len()) / 4 * 4;
    let logo = |length: usize| format!("{prefix}{}", "A".repeat(length));
    let changed = patch(&server, &json!({ "logo": logo(room) })).await.expect(200);
    assert_eq!(changed["logo"], logo(room));
    let body = json!({ "name": "New Bank", "logo": logo(room) });
    let app = server.post(APPS).idempotency_key("k").json(&body).send().await.expect(201);
    assert_eq!(app["logo"], logo(room));
    let again = server.post(APPS).idempotency_key("k").json(&body).send().await.expect(201);
    assert_eq!(again, app);
    let refused = patch(&server, &json!({ "logo": logo(room + 4) })).await;
    let error = refused.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    assert_eq!(error["details"]["parameter"], "logo");
    let huge = patch(&server, &json!({ "logo": logo(128 * 1024) })).await;
    huge.expect_error(413, "PAYLOAD_TOO_LARGE");
    let order = json!({ "title": "x", "ignored": logo(room) });
    let order = server.post(&format!("{APP}/production-tests")).json(&order).send().await;
    order.expect_error(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn redirect_uris_have_a_resource_of_their_own() {
    let server = TestServer::start().await;
    let path = format!("{APP}/redirect-uris");
    assert_eq!(server.get(&path).send().await.expect(200), json!({ "redirectUris": [] }));
    let put = |body: Value| server.authorized("PUT", &path).json(&body).send();
    let wanted = json!({ "redirectUris": ["https://bank.example/back"] });
    assert_eq!(put(wanted.clone()).await.expect(200), wanted);
    assert_eq!(server.get(&path).send().await.expect(200), wanted);
    assert_eq!(put(json!({ "redirectUris": [] })).await.expect(200), json!({ "redirectUris": [] }));
    put(json!({})).await.expect_error(400, "VALIDATION_MISSING_PARAMETER");
    put(json!({ "redirectUris": [1] })).await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    assert_eq!(server.get(&path).send().await.expect(200), json!({ "redirectUris": [] }));
}

#[tokio::test]
async fn a_key_changes_apps_of_its_own_workspace_and_only_with_full_access() {
    let server = TestServer::start().await;
    let before = server.get(APP).send().await.expect(200);
    let reader = server.read_only_key().await;
    let (_, stranger) = server.create_workspace().await;
    let change = json!({ "name": "Stolen", "redirectUris": ["https://thief.example/"] });
    for (method, path) in [
        ("PATCH", APP.to_owned()),
        ("DELETE", APP.to_owned()),
        ("PUT", format!("{APP}/redirect-uris")),
        ("POST", format!("{APP}/rotate-client-secret")),
    ] {
        let request = |key| server.request(method, &path).bearer(key).json(&change).send();
        request(&reader).await.expect_error(403, "AUTH_FORBIDDEN");
        request(&stranger).await.expect_error(404, "RESOURCE_NOT_FOUND");
    }
    let read = |key| server.request("GET", APP).bearer(key).send();
    read(&stranger).await.expect_error(404, "RESOURCE_NOT_FOUND");
    assert_eq!(read(&reader).await.expect(200), before);
}
