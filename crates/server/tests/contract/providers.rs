//! §11: the providers of an app.

use std::time::Duration;

use domain::api_key::Access;
use domain::app::ProviderState;
use domain::{Environment, WorkspaceId};
use serde_json::{Value, json};
use store_workspace::{ApproveProvider, SetProvider};

use crate::support::{Answer, TESTS, TestServer};

const PROVIDERS: &str = "/connect/v1/apps/FK5b0KSM/providers";

fn named<'a>(providers: &'a Value, id: &str) -> &'a Value {
    providers
        .as_array()
        .unwrap()
        .iter()
        .find(|provider| provider["id"] == id)
        .expect("a provider of this id")
}

async fn want(site: &TestServer, key: &str, id: &str, enabled: bool) -> Answer {
    let path = format!("{PROVIDERS}/{id}/activation");
    site.call("PATCH", &path).key(key).json(&json!({ "enabled": enabled })).send().await
}

/// A production deployment with the app of the demo, no provider of which is enabled, and a key.
async fn production() -> (TestServer, WorkspaceId, String) {
    let site = TestServer::configured(|config| config.environment = Environment::Production).await;
    let (workspace, key) = site.workspace().await;
    site.app(&workspace, "FK5b0KSM", &[]).await;
    (site, workspace, key)
}

#[tokio::test]
async fn an_app_sees_the_whole_catalogue_and_what_it_has_of_it() {
    let site = TestServer::start().await;
    let providers = site.get(PROVIDERS).send().await.expect(200);
    assert_eq!(providers.as_array().unwrap().len(), 18);
    assert_eq!(
        *named(&providers, "bankidse"),
        json!({ "id": "bankidse", "name": "BankID SE",
            "description": "The electronic identity that Swedish banks issue to their customers.", "logoUrl": "",
            "countries": ["SE"], "flowTypes": ["redirect", "qr", "app2app"], "scopes": ["openid", "profile"],
            "loa": ["substantial"], "defaultLoa": "substantial", "type": 1, "isActive": true, "needAction": false })
    );
    assert_eq!(named(&providers, "passport")["type"], 2);
    assert_eq!(named(&providers, "idin")["isActive"], false);
}

#[tokio::test]
async fn activation_is_shown_to_whoever_asks_for_it() {
    let site = TestServer::start().await;
    let providers = site.get(&format!("{PROVIDERS}?include=activation")).send().await.expect(200);
    let shown = |id: &str| {
        (named(&providers, id)["status"].clone(), named(&providers, id)["activation"].clone())
    };
    assert_eq!(
        shown("bankidse"),
        (json!("active"), json!({ "type": "contract", "currentStep": "completed" }))
    );
    assert_eq!(shown("idin").0, "inactive");
    assert_eq!(shown("idin").1["currentStep"], Value::Null);
    let error = site.get(&format!("{PROVIDERS}?include=colours")).send().await;
    let error = error.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    assert_eq!(error["details"]["parameter"], "include");
}

#[tokio::test]
async fn in_a_sandbox_a_provider_is_enabled_at_once_and_can_be_tested() {
    let site = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["idin"] });
    site.order(&order).await.expect(400);
    let result = want(&site, &site.api_key, "idin", true).await.expect(200);
    assert_eq!(
        result,
        json!({ "providerId": "idin", "enabled": true, "currentStep": "completed" })
    );
    let app = async || site.get("/connect/v1/apps/FK5b0KSM").send().await.expect(200);
    let enabled = app().await;
    site.advance(Duration::from_secs(1));
    assert_eq!(
        want(&site, &site.api_key, "idin", true).await.expect(200),
        result,
        "to enable twice changes nothing"
    );
    want(&site, &site.api_key, "diia", false).await.expect(200);
    assert_eq!(app().await, enabled, "not even when it last changed");
    want(&site, &site.api_key, "diia", true).await.expect(200);
    assert_eq!(app().await["updatedAt"], "2026-04-08T10:00:01.000Z");
    site.order(&order).await.expect(201);
}

#[tokio::test]
async fn a_disabled_provider_is_kept_out_of_new_tests_and_ordered_ones_go_on() {
    let site = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["bankidse"] });
    let running = site.challenge(&order).await;
    site.order(&order).await.expect(201);
    let result = want(&site, &site.api_key, "bankidse", false).await.expect(200);
    assert_eq!(result, json!({ "providerId": "bankidse", "enabled": false, "currentStep": null }));
    let error = site.order(&order).await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    assert_eq!(error["details"]["providers"][0]["reason"], "not_enabled");
    assert_eq!(site.take_part(&running, "bankidse", "Ada").await, "claimed");
    site.round().await;
    let listed = site.get(TESTS).send().await.expect(200);
    assert!(
        listed.as_array().unwrap().iter().all(|item| item["type"] == "challenge"),
        "what was pending is scheduled"
    );
}

#[tokio::test]
async fn in_production_a_provider_that_needs_a_contract_waits_for_the_operator() {
    let (site, _, key) = production().await;
    let result = want(&site, &key, "bankidse", true).await.expect(200);
    assert_eq!(
        result,
        json!({ "providerId": "bankidse", "enabled": false, "currentStep": "approval" })
    );
    let listed = async || {
        let path = format!("{PROVIDERS}?include=activation");
        let providers = site.call("GET", &path).key(&key).send().await.expect(200);
        let provider = named(&providers, "bankidse");
        (provider["isActive"].clone(), provider["needAction"].clone(), provider["status"].clone())
    };
    assert_eq!(listed().await, (json!(false), json!(true), json!("pending")));
    let order = json!({ "title": "x", "providerIds": ["bankidse"] });
    let refused = site.call("POST", TESTS).key(&key).json(&order).send().await;
    assert_eq!(refused.expect(400)["error"]["details"]["providers"][0]["reason"], "not_enabled");

    let approve = || ApproveProvider {
        client_id: "FK5b0KSM".parse().unwrap(),
        provider_id: "bankidse".parse().unwrap(),
        now: site.now(),
    };
    site.advance(Duration::from_secs(1));
    assert!(site.database(async |store, _| store.approve_provider(approve()).await.unwrap()).await);
    let app = site.call("GET", "/connect/v1/apps/FK5b0KSM").key(&key).send().await.expect(200);
    assert_eq!(app["updatedAt"], "2026-04-08T10:00:01.000Z");
    assert!(
        !site.database(async |store, _| store.approve_provider(approve()).await.unwrap()).await,
        "once is enough"
    );
    assert_eq!(listed().await, (json!(true), json!(false), json!("active")));
    // To ask again for what is enabled does not send it back to the operator.
    assert_eq!(want(&site, &key, "bankidse", true).await.expect(200)["currentStep"], "completed");
    site.call("POST", TESTS).key(&key).json(&order).send().await.expect(201);
}

#[tokio::test]
async fn nothing_is_approved_for_an_app_that_is_deleted() {
    let (site, _, key) = production().await;
    want(&site, &key, "bankidse", true).await.expect(200);
    site.call("DELETE", "/connect/v1/apps/FK5b0KSM").key(&key).send().await.expect(200);
    let approve = ApproveProvider {
        client_id: "FK5b0KSM".parse().unwrap(),
        provider_id: "bankidse".parse().unwrap(),
        now: site.now(),
    };
    assert!(!site.database(async |store, _| store.approve_provider(approve).await.unwrap()).await);
}

#[tokio::test]
async fn a_provider_is_set_for_an_app_of_the_callers_workspace_only() {
    let site = TestServer::start().await;
    let owner = site.demo_workspace().await;
    let (stranger, _) = site.workspace().await;
    let set = async |workspace_id| {
        let write = SetProvider {
            workspace_id,
            client_id: "FK5b0KSM".parse().unwrap(),
            provider_id: "idin".parse().unwrap(),
            state: Some(ProviderState::Enabled),
            now: site.now(),
        };
        site.database(async |store, _| store.set_provider(write).await.unwrap()).await
    };
    assert!(!set(Some(stranger)).await);
    assert_eq!(named(&site.get(PROVIDERS).send().await.expect(200), "idin")["isActive"], false);
    assert!(set(Some(owner)).await);
    assert!(set(None).await, "the operator's are all of them");
}

#[tokio::test]
async fn in_production_a_direct_provider_is_enabled_at_once_and_one_of_the_sandbox_is_not_offered()
{
    let (site, _, key) = production().await;
    let providers = site
        .call("GET", &format!("{PROVIDERS}?include=activation"))
        .key(&key)
        .send()
        .await
        .expect(200);
    let direct = providers
        .as_array()
        .unwrap()
        .iter()
        .find(|provider| provider["activation"]["type"] == "direct");
    let direct = direct.expect("the catalogue has a direct provider")["id"].as_str().unwrap();
    assert_eq!(want(&site, &key, direct, true).await.expect(200)["currentStep"], "completed");
    assert!(providers.as_array().unwrap().iter().all(|provider| provider["id"] != "us-mdl"));
    want(&site, &key, "us-mdl", true).await.expect_error(404, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed_is_refused_and_changes_nothing() {
    let site = TestServer::start().await;
    want(&site, &site.api_key, "nobody-id", true).await.expect_error(404, "RESOURCE_NOT_FOUND");
    let reader = site.key(&site.demo_workspace().await, |key| key.access = Access::ReadOnly).await;
    want(&site, &reader, "idin", true).await.expect_error(403, "AUTH_FORBIDDEN");
    let (_, stranger) = site.workspace().await;
    want(&site, &stranger, "idin", true).await.expect_error(404, "RESOURCE_NOT_FOUND");
    for (body, code) in [
        (json!({}), "VALIDATION_MISSING_PARAMETER"),
        (json!({ "enabled": null }), "VALIDATION_MISSING_PARAMETER"),
        (json!({ "enabled": "yes" }), "VALIDATION_INVALID_PARAMETER"),
    ] {
        let refused = site
            .call("PATCH", &format!("{PROVIDERS}/idin/activation"))
            .key(&site.api_key)
            .json(&body)
            .send()
            .await;
        assert_eq!(refused.expect_error(400, code)["details"]["parameter"], "enabled");
    }
    assert_eq!(named(&site.get(PROVIDERS).send().await.expect(200), "idin")["isActive"], false);
}

#[tokio::test]
async fn what_is_enabled_elsewhere_can_be_ordered_at_once_and_what_is_disabled_is_refused_within_a_second()
 {
    let site = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["idin"] });
    site.order(&order).await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    set_elsewhere(&site, Some(ProviderState::Enabled)).await;
    site.order(&order).await.expect(201);
    set_elsewhere(&site, None).await;
    site.advance(Duration::from_secs(1));
    site.order(&order).await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
}

/// Another process, or the operator, changes whether the app can use iDIN.
async fn set_elsewhere(site: &TestServer, state: Option<ProviderState>) {
    let write = store_workspace::SetProvider {
        workspace_id: None,
        client_id: "FK5b0KSM".parse().unwrap(),
        provider_id: "idin".parse().unwrap(),
        state,
        now: site.now(),
    };
    site.database(async |store, _| store.set_provider(write).await.unwrap()).await;
}
