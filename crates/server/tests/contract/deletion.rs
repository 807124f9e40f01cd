//! §11: apps that are deleted while something is ordered, or under way.

use std::time::Duration;

use domain::challenge_request::ChallengeRequest;
use domain::production_test::Payload;
use serde_json::{Value, json};
use store_workspace::{CreateChallengeRequest, CreateOutcome, DeleteApp, RequestKey, RetryRequest};

use crate::support::fake_service::{FakeService, Reaction};
use crate::support::{SERVICE_TOKEN, TESTS, Tables, TestServer};

const APP: &str = "/connect/v1/apps/FK5b0KSM";

async fn delete(site: &TestServer) {
    site.call("DELETE", APP).key(&site.api_key).send().await.expect(200);
}

async fn open(site: &TestServer) -> Value {
    site.call("GET", "/tpas/v1/challenges/open").send().await.expect(200)
}

async fn standing(site: &TestServer) -> Vec<Vec<Option<String>>> {
    site.ground()
        .rows(Tables::Connect, "SELECT status, next_attempt_at, leased_by FROM challenge_requests")
        .await
}

#[tokio::test]
async fn an_order_that_is_stored_after_its_app_was_deleted_is_cancelled_and_never_handed_over() {
    let site = TestServer::start().await;
    let workspace = site.demo_workspace().await;
    let client_id = "FK5b0KSM".parse().unwrap();
    // The handler has read the app; then it is deleted; then the handler writes.
    let app = site
        .database(async |store, _| store.app(&workspace, &client_id).await.unwrap().unwrap())
        .await;
    delete(&site).await;
    let payload = Payload {
        title: "late".into(),
        description: None,
        provider_ids: vec!["bankidse".parse().unwrap()],
        max_stamp_claims: 1,
        target_platform: None,
        allow_duplicate_participation: None,
    };
    let stored = site.database(async |store, clock_and_rng| {
        let request = ChallengeRequest::new(
            clock_and_rng.ids().request(),
            &app,
            payload,
            clock_and_rng.now(),
        );
        store
            .create_challenge_request(CreateChallengeRequest {
                request,
                idempotency: None,
                lease: None,
            })
            .await
            .unwrap()
    });
    assert!(matches!(stored.await, CreateOutcome::Created));
    site.round().await;
    assert_eq!(standing(&site).await, [[Some("cancelled".to_owned()), None, None]]);
    assert_eq!(open(&site).await, json!([]));
}

#[tokio::test]
async fn an_order_that_is_taken_at_once_though_its_app_was_just_deleted_is_cancelled_and_never_handed_over()
 {
    let site = TestServer::start().await;
    // This server has read the app a moment ago; then another one deletes it.
    site.order(&json!({ "title": "x" })).await.expect(201);
    let (workspace_id, now) = (site.demo_workspace().await, site.now());
    let write = DeleteApp { workspace_id, client_id: "FK5b0KSM".parse().unwrap(), now };
    assert!(site.database(async |store, _| store.delete_app(write).await.unwrap()).await);
    site.order(&json!({ "title": "late" })).await.expect(201);
    site.round().await;
    site.lease_of_new_orders_ends();
    site.round().await;
    assert_eq!(standing(&site).await, vec![[Some("cancelled".to_owned()), None, None]; 2]);
    assert_eq!(open(&site).await, json!([]));
}

#[tokio::test]
async fn a_test_cannot_be_retried_once_its_app_is_deleted() {
    let refusing = FakeService::start(None, &[Reaction::Status(400, "")]).await;
    let site = TestServer::configured(|config| config.tpas_url = Some(refusing.url)).await;
    let id =
        site.order(&json!({ "title": "x" })).await.expect(201)["id"].as_str().unwrap().to_owned();
    site.round().await;
    assert_eq!(site.get(&format!("{TESTS}/{id}")).send().await.expect(200)["status"], "failed");
    let key = RequestKey {
        workspace_id: site.demo_workspace().await,
        client_id: "FK5b0KSM".parse().unwrap(),
        id: id.parse().unwrap(),
    };
    delete(&site).await;
    let write = RetryRequest { key, now: site.now() };
    assert!(
        site.database(async |store, _| store.retry_request(write).await.unwrap()).await.is_none()
    );
    assert_eq!(standing(&site).await, [[Some("failed".to_owned()), None, None]]);
}

#[tokio::test]
async fn what_was_attempted_before_its_app_was_deleted_leaves_no_open_challenge() {
    let real = TestServer::start().await;
    // The challenge is made, but nobody hears of it.
    let fake =
        FakeService::start(Some(real.url.clone()), &[Reaction::ForwardAndCut, Reaction::Forward])
            .await;
    let site = TestServer::configured(|config| config.tpas_url = Some(fake.url)).await;
    site.order(&json!({ "title": "x" })).await.expect(201);
    site.round().await;
    assert_eq!(open(&real).await.as_array().unwrap().len(), 1);
    delete(&site).await;
    site.round().await;
    assert_eq!(open(&real).await, json!([]));
}

#[tokio::test]
async fn what_is_being_handed_over_while_its_app_is_deleted_leaves_no_open_challenge() {
    let real = TestServer::start().await;
    let fake =
        FakeService::start(Some(real.url.clone()), &[Reaction::Silence, Reaction::Forward]).await;
    let site = TestServer::configured(|config| {
        config.tpas_url = Some(fake.url);
        config.limits.hand_over = Duration::from_millis(200);
    })
    .await;
    let id =
        site.order(&json!({ "title": "x" })).await.expect(201)["id"].as_str().unwrap().to_owned();
    tokio::join!(
        async {
            while site
                .ground()
                .value(Tables::Connect, "SELECT leased_by FROM challenge_requests")
                .await
                .is_none()
            {
                tokio::task::yield_now().await;
            }
            delete(&site).await;
        },
        site.round()
    );
    assert_eq!(standing(&site).await, [[Some("cancelled".to_owned()), None, None]]);
    // It arrives after all.
    let body = json!({ "title": "x", "providerIds": ["bankidse"], "maxStampClaims": 1, "hostName": "Acme Bank" });
    let path = format!("/tpas/v1/challenge-requests/{id}");
    real.call("PUT", &path).key(SERVICE_TOKEN).json(&body).send().await.expect(201);
    site.advance(Duration::from_secs(20));
    site.round().await;
    assert_eq!(open(&real).await, json!([]));
}
