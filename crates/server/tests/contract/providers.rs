//! §11: the providers of an app.

use std::time::Duration;

use domain::app::ProviderState;
use serde_json::{Value, json};
use store_workspace::ApproveProvider;

use crate::support::{APP, TESTS, TestResponse, TestServer};

const PROVIDERS: &str = "/connect/v1/apps/FK5b0KSM/providers";

const WITH_ACTIVATION: &str = "/connect/v1/apps/FK5b0KSM/providers?include=activation";

fn named<'a>(providers: &'a Value, id: &str) -> &'a Value {
    let mut providers = providers.as_array().unwrap().iter();
    providers.find(|provider| provider["id"] == id).expect("a provider with this id")
}

async fn is_active(server: &TestServer, id: &str) -> Value {
    named(&server.get(PROVIDERS).send().await.expect(200), id)["isActive"].clone()
}

async fn activate(server: &TestServer, key: &str, id: &str, enabled: bool) -> TestResponse {
    let request = server.request("PATCH", &format!("{PROVIDERS}/{id}/activation")).bearer(key);
    request.json(&json!({ "enabled": enabled })).send().await
}

/// A production deployment with an app that has no providers, and a key for it.
async fn start_in_production() -> (TestServer, String) {
    start_in_production_with(|_| {}).await
}

async fn start_in_production_with(
    configure: impl FnOnce(&mut server::Config),
) -> (TestServer, String) {
    let server = TestServer::start_in_production_with(configure).await;
    let (workspace, key) = server.create_workspace().await;
    server.create_app(&workspace, "FK5b0KSM", &[]).await;
    (server, key)
}

/// An operator approves BankID for the app. Whether there was something to approve.
async fn approve_bankid(server: &TestServer) -> bool {
    let write = ApproveProvider {
        client_id: "FK5b0KSM".parse().unwrap(),
        provider_id: "bankidse".parse().unwrap(),
        now: server.now(),
    };
    server.with_store(async |store, _| store.approve_provider(write).await).await.unwrap()
}

#[tokio::test]
async fn an_app_sees_the_whole_catalogue_and_which_providers_are_active() {
    let server = TestServer::start().await;
    let providers = server.get(PROVIDERS).send().await.expect(200);
    assert_eq!(providers.as_array().unwrap().len(), 18);
    let expected = json!({
        "id": "bankidse",
        "name": "BankID SE",
        "description": "The electronic identity that Swedish banks issue to their customers.",
        "logoUrl": "",
        "countries": ["SE"],
        "flowTypes": ["redirect", "qr"],
        "scopes": ["openid", "profile"],
        "loa": [3],
        "defaultLoa": 3,
        "type": 1,
        "isActive": true,
        "needAction": false,
    });
    assert_eq!(*named(&providers, "bankidse"), expected);
    assert_eq!(named(&providers, "passport")["type"], 2);
    assert_eq!(named(&providers, "idin")["isActive"], false);
}

#[tokio::test]
async fn activation_is_included_on_request() {
    let server = TestServer::start().await;
    let providers = server.get(WITH_ACTIVATION).send().await.expect(200);
    let (bankid, idin) = (named(&providers, "bankidse"), named(&providers, "idin"));
    assert_eq!(bankid["status"], "activated");
    let activation = &bankid["activation"];
    assert_eq!(activation["status"], "activated");
    assert!(activation["id"].as_str().unwrap().starts_with("act_"));
    assert_eq!(activation["requestedAt"], "2026-04-08T10:00:00.000Z");
    assert_eq!(activation["activatedAt"], activation["requestedAt"]);
    let none = json!({
        "status": "not_activated", "id": null, "requirements": [], "requestedAt": null,
        "activatedAt": null
    });
    assert_eq!((&idin["status"], &idin["activation"]), (&json!("not_activated"), &none));
    // What this version does not know is ignored, and a repetition is fine.
    for query in ["include=colours", "include=colours&include=activation"] {
        let listed = server.get(&format!("{PROVIDERS}?{query}")).send().await.expect(200);
        let has_status = named(&listed, "bankidse")["status"].is_string();
        assert_eq!(has_status, query.contains("activation"), "{query}");
    }
}

#[tokio::test]
async fn in_a_sandbox_a_provider_is_enabled_at_once_and_can_be_tested() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["idin"] });
    server.order(&order).await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    let enabled = activate(&server, &server.api_key, "idin", true).await.expect(200);
    let expected = json!({ "providerId": "idin", "enabled": true, "currentStep": "activated" });
    assert_eq!(enabled, expected);
    server.order(&order).await.expect(201);
}

#[tokio::test]
async fn activation_is_idempotent() {
    let server = TestServer::start().await;
    let activate =
        async |id, enabled| activate(&server, &server.api_key, id, enabled).await.expect(200);
    let app = async || server.get(APP).send().await.expect(200);
    let enabled = activate("idin", true).await;
    let before = app().await;
    server.advance(Duration::from_secs(1));
    assert_eq!(activate("idin", true).await, enabled);
    activate("diia", false).await;
    assert_eq!(app().await, before, "not even the time of the last change");
    activate("diia", true).await;
    assert_eq!(app().await["updatedAt"], "2026-04-08T10:00:01.000Z");
}

#[tokio::test]
async fn a_disabled_provider_cannot_be_ordered_and_earlier_orders_continue() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["bankidse"] });
    let running = server.order_and_schedule(&order).await;
    server.order(&order).await.expect(201);
    let disabled = activate(&server, &server.api_key, "bankidse", false).await.expect(200);
    let expected = json!({ "providerId": "bankidse", "enabled": false, "currentStep": "enable" });
    assert_eq!(disabled, expected);
    let error = server.order(&order).await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    assert_eq!(error["details"]["providers"][0]["reason"], "not_enabled");
    assert_eq!(server.join_and_verify(&running, "bankidse", "Ada").await, "claimed");
    server.run_background_tasks().await;
    let listed = server.list().await;
    let types: Vec<&Value> = listed.iter().map(|item| &item["type"]).collect();
    assert_eq!(types, ["challenge", "challenge"], "the pending request is scheduled");
}

#[tokio::test]
async fn in_production_a_provider_that_needs_a_contract_waits_for_the_approval_of_an_operator() {
    let (server, key) = start_in_production().await;
    let requested = activate(&server, &key, "bankidse", true).await.expect(200);
    let expected =
        json!({ "providerId": "bankidse", "enabled": false, "currentStep": "activation-form" });
    assert_eq!(requested, expected);
    let shown = async || {
        let request = server.request("GET", WITH_ACTIVATION).bearer(&key);
        let providers = request.send().await.expect(200);
        let bankid = named(&providers, "bankidse");
        json!([bankid["isActive"], bankid["needAction"], bankid["status"]])
    };
    assert_eq!(shown().await, json!([false, true, "activation_requested"]));
    let order = json!({ "title": "x", "providerIds": ["bankidse"] });
    let order = || server.request("POST", TESTS).bearer(&key).json(&order).send();
    let refused = order().await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    assert_eq!(refused["details"]["providers"][0]["reason"], "not_enabled");

    server.advance(Duration::from_secs(1));
    assert!(approve_bankid(&server).await);
    let app = server.request("GET", APP).bearer(&key).send().await.expect(200);
    assert_eq!(app["updatedAt"], "2026-04-08T10:00:01.000Z");
    assert!(!approve_bankid(&server).await, "there is nothing left to approve");
    assert_eq!(shown().await, json!([true, false, "activated"]));
    let repeated = activate(&server, &key, "bankidse", true).await.expect(200);
    assert_eq!(repeated["currentStep"], "activated", "an approved provider stays approved");
    order().await.expect(201);
}

#[tokio::test]
async fn a_provider_cannot_be_approved_for_a_deleted_app() {
    let (server, key) = start_in_production().await;
    activate(&server, &key, "bankidse", true).await.expect(200);
    server.request("DELETE", APP).bearer(&key).send().await.expect(200);
    assert!(!approve_bankid(&server).await);
}

#[tokio::test]
async fn the_store_changes_providers_of_the_given_workspace_only() {
    let server = TestServer::start().await;
    let owner = server.demo_workspace().await;
    let (stranger, _) = server.create_workspace().await;
    let enabled = Some(ProviderState::Enabled);
    assert!(!server.set_provider(Some(stranger), "idin", enabled).await);
    assert_eq!(is_active(&server, "idin").await, false);
    assert!(server.set_provider(Some(owner), "idin", enabled).await);
    assert_eq!(is_active(&server, "idin").await, true);
    assert!(server.set_provider(None, "diia", enabled).await, "operators change any app");
    assert_eq!(is_active(&server, "diia").await, true);
}

#[tokio::test]
async fn in_production_a_provider_without_a_contract_is_enabled_at_once() {
    let (server, key) = start_in_production().await;
    let enabled = activate(&server, &key, "passport", true).await.expect(200);
    assert_eq!((&enabled["enabled"], &enabled["currentStep"]), (&json!(true), &json!("activated")));
}

#[tokio::test]
async fn a_sandbox_provider_is_offered_in_the_sandbox_only() {
    let offers = |providers: &Value| {
        providers.as_array().unwrap().iter().any(|provider| provider["id"] == "us-mdl")
    };
    let sandbox = TestServer::start().await;
    assert!(offers(&sandbox.get(PROVIDERS).send().await.expect(200)));
    let (server, key) = start_in_production().await;
    let providers = server.request("GET", PROVIDERS).bearer(&key).send().await.expect(200);
    assert!(!offers(&providers));
    let refused = activate(&server, &key, "us-mdl", true).await;
    refused.expect_error(404, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn an_activation_that_is_invalid_or_forbidden_is_refused_and_changes_nothing() {
    let server = TestServer::start().await;
    let unknown = activate(&server, &server.api_key, "unknown-id", true).await;
    unknown.expect_error(404, "RESOURCE_NOT_FOUND");
    let reader = server.read_only_key().await;
    activate(&server, &reader, "idin", true).await.expect_error(403, "AUTH_FORBIDDEN");
    let (_, stranger) = server.create_workspace().await;
    activate(&server, &stranger, "idin", true).await.expect_error(404, "RESOURCE_NOT_FOUND");
    for (body, code) in [
        (json!({}), "VALIDATION_MISSING_PARAMETER"),
        (json!({ "enabled": null }), "VALIDATION_MISSING_PARAMETER"),
        (json!({ "enabled": "yes" }), "VALIDATION_INVALID_PARAMETER"),
    ] {
        let request = server.authorized("PATCH", &format!("{PROVIDERS}/idin/activation"));
        let error = request.json(&body).send().await.expect_error(400, code);
        assert_eq!(error["details"]["parameter"], "enabled");
    }
    assert_eq!(is_active(&server, "idin").await, false);
}

#[tokio::test]
async fn a_provider_enabled_by_another_server_can_be_ordered_at_once() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["idin"] });
    server.order(&order).await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    server.set_provider(None, "idin", Some(ProviderState::Enabled)).await;
    server.order(&order).await.expect(201);
}

#[tokio::test]
async fn a_provider_disabled_by_another_server_is_refused_within_a_second() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["bankidse"] });
    server.order(&order).await.expect(201);
    server.set_provider(None, "bankidse", None).await;
    server.advance(Duration::from_secs(1));
    server.order(&order).await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
}

#[tokio::test]
async fn several_providers_are_activated_each_with_its_own_result() {
    let server = TestServer::start().await;
    let path = "/connect/v1/apps/FK5b0KSM/activation";
    let body = json!({ "providers": { "idin": {}, "passport": {}, "made-up": {} } });
    let outcomes = server.post(path).json(&body).send().await.expect(200);
    assert_eq!(outcomes["idin"]["status"], "activated");
    assert!(outcomes["passport"]["id"].as_str().unwrap().starts_with("act_"));
    assert_eq!(outcomes["made-up"]["error"], "unknown_provider");
    assert_eq!(server.post(path).json(&body).send().await.expect(200), outcomes);
    for wrong in [json!({}), json!({ "providers": [] }), json!({ "providers": { "idin": 1 } })] {
        assert_eq!(server.post(path).json(&wrong).send().await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn in_production_an_activation_needs_what_its_provider_wants_to_know() {
    let (server, key) = start_in_production_with(|config| {
        config.contact = Some("eid@bank.example".into());
    })
    .await;
    let registration = registration_provider(&server, &key).await;
    let activate = async |told: Value| {
        let body = json!({ "providers": { "bankidse": {}, (registration.clone()): told } });
        let path = "/connect/v1/apps/FK5b0KSM/activation";
        server.request("POST", path).bearer(&key).json(&body).send().await.expect(200)
    };
    let refused = activate(json!({})).await;
    assert_eq!(refused["bankidse"]["error"], "contract_activation_required");
    assert_eq!(refused["bankidse"]["contact"], "eid@bank.example");
    assert_eq!(refused[&registration]["error"], "missing_requirement");
    let steps = async || {
        let path = format!("{PROVIDERS}/{registration}/activation/steps");
        server.request("GET", &path).bearer(&key).send().await.expect(200)
    };
    assert_eq!(steps().await["state"], "not_started");
    let requested = activate(json!({ "legalCompanyName": "Acme AB" })).await;
    assert_eq!(requested[&registration]["status"], "activation_requested");
    let steps = steps().await;
    assert_eq!((&steps["state"], &steps["currentStepIndex"]), (&json!("in_progress"), &json!(1)));
    assert_eq!(steps["steps"][1]["type"], "activation-form");
}

/// The id of a provider that needs a registration.
async fn registration_provider(server: &TestServer, key: &str) -> String {
    let listed = server.request("GET", WITH_ACTIVATION).bearer(key).send().await.expect(200);
    let mut providers = listed.as_array().unwrap().iter();
    let found = providers.find(|it| it["activation"]["requirements"] != json!([]));
    found.expect("one needs a registration")["id"].as_str().unwrap().to_owned()
}
