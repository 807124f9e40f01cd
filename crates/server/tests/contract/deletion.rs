//! §11: deleting an app, also while its tests are being ordered and handed over.

use std::time::Duration;

use domain::challenge_request::ChallengeRequest;
use domain::production_test::Payload;
use serde_json::{Value, json};
use store_workspace::{
    CreateChallengeRequest, CreateOutcome, DeleteApp, RequestKey, RetryRequest, SweepDeletedApp,
};

use crate::support::fake_challenge_service::{Behavior, FakeChallengeService};
use crate::support::{APP, APPS, SERVICE_TOKEN, Store, TESTS, TestServer, eventually, id_of};

const CANCELLED: [Option<&str>; 3] = [Some("cancelled"), None, None];

/// Status, time of the next attempt and lease of each request.
async fn assert_requests(server: &TestServer, expected: &[[Option<&str>; 3]]) {
    let sql = "SELECT status, next_attempt_at, leased_by FROM challenge_requests";
    let rows = server.database().rows(Store::Workspace, sql).await;
    let expected = expected.iter().map(|row| row.map(|text| text.map(str::to_owned)));
    assert_eq!(rows, expected.collect::<Vec<_>>());
}

/// Orders three tests: one is running and has a stamp, one is complete, one is pending. The ids of
/// the first two's challenges.
async fn order_three_tests(server: &TestServer) -> [String; 2] {
    let running = json!({ "title": "running", "maxStamps": 2, "providerIds": ["bankidse"] });
    let running = server.order_and_schedule(&running).await;
    assert_eq!(server.join_and_verify(&running, "bankidse", "Ada").await, "claimed");
    let complete = json!({ "title": "complete", "maxStamps": 1, "providerIds": ["bankidse"] });
    let complete = server.order_and_schedule(&complete).await;
    assert_eq!(server.join_and_verify(&complete, "bankidse", "Ada").await, "claimed");
    server.run_background_tasks().await;
    server.order(&json!({ "title": "pending" })).await.expect(201);
    [running, complete]
}

#[tokio::test]
async fn a_deleted_app_and_its_tests_are_not_found() {
    let server = TestServer::start().await;
    let [running, complete] = order_three_tests(&server).await;
    let before = server.get(APP).send().await.expect(200);
    assert_eq!(server.delete_app().await.expect(200), before);
    for path in [
        APP.to_owned(),
        TESTS.to_owned(),
        format!("{TESTS}/{running}/report"),
        format!("{TESTS}/{complete}"),
        format!("{APP}/providers"),
    ] {
        server.get(&path).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    }
    server.order(&json!({ "title": "x" })).await.expect_error(404, "RESOURCE_NOT_FOUND");
    server.delete_app().await.expect_error(404, "RESOURCE_NOT_FOUND");
    assert_eq!(server.get(APPS).send().await.expect(200)["total"], 0);
    assert_eq!(server.get("/connect/v1/workspace").send().await.expect(200)["apps_count"], 0);
}

#[tokio::test]
async fn deleting_an_app_cancels_its_tests_and_keeps_its_stamps() {
    let server = TestServer::start().await;
    let [running, _] = order_three_tests(&server).await;
    server.delete_app().await.expect(200);
    server.run_background_tasks().await;
    assert_eq!(server.open_challenges().await, Vec::<Value>::new());
    server.join(&running, "bankidse").send().await.expect_error(409, "RESOURCE_CONFLICT");
    let sql = "SELECT title, status, CASE WHEN challenge_is_closed THEN 'closed' END
        FROM challenge_requests ORDER BY title";
    let rows = server.database().rows(Store::Workspace, sql).await;
    let expected = [
        [Some("complete"), Some("scheduled"), None],
        [Some("pending"), Some("cancelled"), None],
        [Some("running"), Some("scheduled"), Some("closed")],
    ];
    assert_eq!(rows, expected.map(|row| row.map(|text| text.map(str::to_owned))));
    assert_eq!(server.database().count(Store::Challenge, "stamp_claims").await, 2);
}

#[tokio::test]
async fn an_order_stored_after_its_app_was_deleted_is_cancelled_and_never_handed_over() {
    let server = TestServer::start().await;
    let workspace = server.demo_workspace().await;
    let client_id = "FK5b0KSM".parse().unwrap();
    // The handler of the order reads the app; then the app is deleted; then the handler writes.
    let app = server.with_store(async |store, _| store.app(&workspace, &client_id).await).await;
    let app = app.unwrap().unwrap();
    server.delete_app().await.expect(200);
    let payload = Payload {
        title: "late".into(),
        description: None,
        provider_ids: vec!["bankidse".parse().unwrap()],
        max_stamp_claims: 1,
        target_platform: None,
        allow_duplicate_participation: None,
        expires_at: None,
    };
    let stored = server.with_store(async |store, clock_and_rng| {
        let id = clock_and_rng.ids().request();
        let request = ChallengeRequest::new(id, &app, payload, clock_and_rng.now());
        let write =
            CreateChallengeRequest { request: request.into(), idempotency: None, lease: None };
        store.create_challenge_request(write).await.unwrap()
    });
    assert!(matches!(stored.await, CreateOutcome::Created));
    server.run_background_tasks().await;
    assert_requests(&server, &[CANCELLED]).await;
    assert_eq!(server.open_challenges().await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_order_placed_at_a_server_that_has_cached_a_deleted_app_is_cancelled() {
    let server = TestServer::start().await;
    // This server reads the app, then another one deletes it.
    server.order(&json!({ "title": "x" })).await.expect(201);
    let (workspace_id, now) = (server.demo_workspace().await, server.now());
    let write = DeleteApp { workspace_id, client_id: "FK5b0KSM".parse().unwrap(), now };
    assert!(server.with_store(async |store, _| store.delete_app(write).await).await.unwrap());
    server.order(&json!({ "title": "late" })).await.expect(201);
    server.run_background_tasks().await;
    server.expire_leases();
    server.run_background_tasks().await;
    assert_requests(&server, &[CANCELLED, CANCELLED]).await;
    assert_eq!(server.open_challenges().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_failed_test_of_a_deleted_app_cannot_be_retried() {
    let refusing = FakeChallengeService::start(&[Behavior::Refuse(400)]).await;
    let server = refusing.server().await;
    let request = server.order(&json!({ "title": "x" })).await.expect(201);
    let id = id_of(&request);
    server.run_background_tasks().await;
    assert_eq!(server.show(id).await["status"], "failed");
    server.delete_app().await.expect(200);
    server.retry(id).await.expect_error(404, "RESOURCE_NOT_FOUND");
    // Nor by a handler that has read the app before it was deleted.
    let key = RequestKey {
        workspace_id: server.demo_workspace().await,
        client_id: "FK5b0KSM".parse().unwrap(),
        id: id.parse().unwrap(),
    };
    let write = RetryRequest { key, now: server.now() };
    let retried = server.with_store(async |store, _| store.retry_request(write).await).await;
    assert!(retried.unwrap().is_none());
    assert_requests(&server, &[[Some("failed"), None, None]]).await;
}

#[tokio::test]
async fn a_challenge_whose_creation_was_not_confirmed_is_closed_when_its_app_is_deleted() {
    let real = TestServer::start().await;
    let behaviors = [Behavior::ForwardAndDisconnect, Behavior::Forward];
    let server = FakeChallengeService::in_front_of(&real, &behaviors).await.server().await;
    server.order(&json!({ "title": "x" })).await.expect(201);
    server.run_background_tasks().await;
    assert_eq!(real.open_challenges().await.len(), 1);
    server.delete_app().await.expect(200);
    server.run_background_tasks().await;
    assert_eq!(real.open_challenges().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_challenge_created_while_its_app_is_deleted_is_closed() {
    let real = TestServer::start().await;
    let behaviors = [Behavior::Hang, Behavior::Forward];
    let server = FakeChallengeService::in_front_of(&real, &behaviors).await.server().await;
    let request = server.order(&json!({ "title": "x" })).await.expect(201);
    let leased = "challenge_requests WHERE leased_by IS NOT NULL";
    let delete_when_leased = async {
        eventually("the request is leased", async || {
            server.database().count(Store::Workspace, leased).await == 1
        })
        .await;
        server.delete_app().await.expect(200);
    };
    tokio::join!(delete_when_leased, server.run_background_tasks());
    assert_requests(&server, &[CANCELLED]).await;
    // The challenge service carries the attempt out nevertheless, after the recall or before it.
    let path = format!("/tpas/v1/challenge-requests/{}", id_of(&request));
    let body = json!({ "title": "x", "providerIds": ["bankidse"], "maxStampClaims": 1,
        "hostName": "Acme Bank" });
    let attempt = real.request("PUT", &path).bearer(SERVICE_TOKEN).json(&body).send().await;
    assert!(matches!(attempt.status, 200 | 201), "{}", attempt.text);
    server.advance(Duration::from_secs(20));
    server.run_background_tasks().await;
    assert_eq!(real.open_challenges().await, Vec::<Value>::new());
}

#[tokio::test]
async fn deleting_an_app_only_marks_it_and_its_orders_are_swept_batch_by_batch() {
    let server = TestServer::start().await;
    for _ in 0..5 {
        server.order(&json!({ "title": "x", "providerIds": ["bankidse"] })).await.expect(201);
    }
    server.delete_app().await.expect(200);
    let pending = "SELECT id FROM challenge_requests WHERE status = 'pending'";
    assert_eq!(server.database().rows(Store::Workspace, pending).await.len(), 5);
    for left in [3, 1, 0] {
        let swept = server.with_store(async |store, clock_and_rng| {
            let write = SweepDeletedApp { now: clock_and_rng.now(), limit: 2 };
            store.sweep_deleted_app(write).await.unwrap()
        });
        assert!(swept.await);
        assert_eq!(server.database().rows(Store::Workspace, pending).await.len(), left);
    }
    let swept = server.with_store(async |store, clock_and_rng| {
        let write = SweepDeletedApp { now: clock_and_rng.now(), limit: 2 };
        store.sweep_deleted_app(write).await.unwrap()
    });
    assert!(!swept.await, "nothing is left to sweep");
}
