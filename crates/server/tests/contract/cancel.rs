//! §7: cancelling a production test.

use std::time::Duration;

use serde_json::{Value, json};
use store_workspace::{LeaseDue, ReleaseLease, RequestKey};

use crate::support::fake_challenge_service::{Behavior, FakeChallengeService};
use crate::support::{Store, TESTS, TestServer, eventually, id_of};

/// A server whose challenge service misbehaves in front of this real one.
async fn server_in_front_of(real: &TestServer, behaviors: &[Behavior]) -> TestServer {
    FakeChallengeService::in_front_of(real, behaviors).await.server().await
}

/// Cancels a test that has ended: the status with which it ended.
async fn refused_status(server: &TestServer, id: &str) -> Value {
    let error = server.cancel(id).await.expect_error(409, "RESOURCE_CONFLICT");
    error["details"]["status"].clone()
}

#[tokio::test]
async fn a_pending_test_is_cancelled_and_never_scheduled() {
    let server = TestServer::start().await;
    let id = server.order_bankid().await;
    let cancelled = server.cancel(&id).await.expect(200);
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["scheduling"]["nextAttemptAt"], Value::Null);
    assert_eq!(server.show(&id).await, cancelled);
    server.run_background_tasks().await;
    assert_eq!(server.open_challenges().await, Vec::<Value>::new());
    let listed = server.list().await;
    assert_eq!(listed[0]["type"], "request");
    assert_eq!(listed[0]["request"]["status"], "cancelled");
}

#[tokio::test]
async fn cancelling_is_idempotent() {
    let server = TestServer::start().await;
    let pending = server.order_bankid().await;
    let first = server.cancel(&pending).await.expect(200);
    server.advance(Duration::from_mins(1));
    assert_eq!(server.cancel(&pending).await.expect(200), first);

    let scheduled = server.order_bankid().await;
    server.run_background_tasks().await;
    let first = server.cancel(&scheduled).await.expect(200);
    assert_eq!(first["challenge"]["isActive"], false);
    assert_eq!(server.cancel(&scheduled).await.expect(200)["challenge"], first["challenge"]);
}

#[tokio::test]
async fn cancelling_a_scheduled_test_closes_its_challenge_and_keeps_its_report() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x", "maxStamps": 2 })).await;
    assert_eq!(server.join_and_verify(&challenge, "bankidse", "Ada").await, "claimed");
    // The id of the challenge names the test, as the id of the request does.
    let cancelled = server.cancel(&challenge).await.expect(200);
    assert_eq!(cancelled["status"], "scheduled");
    assert_eq!(cancelled["challenge"]["isActive"], false);
    server.join(&challenge, "bankidse").send().await.expect_error(409, "RESOURCE_CONFLICT");
    let listed = server.list().await;
    assert_eq!(listed[0]["challenge"]["isActive"], false);
    assert_eq!(listed[0]["challenge"]["completedAt"], Value::Null);
    assert_eq!(server.report(&challenge).await["stats"]["totalClaims"], 1);
}

#[tokio::test]
async fn a_test_that_has_completed_expired_or_failed_cannot_be_cancelled() {
    let server = TestServer::start().await;
    let complete = server.order_and_schedule(&json!({ "title": "x", "maxStamps": 1 })).await;
    server.join_and_verify(&complete, "bankidse", "Ada").await;
    assert_eq!(refused_status(&server, &complete).await, "completed");

    let expired = server.order_and_schedule(&json!({ "title": "x" })).await;
    server.advance(Duration::from_hours(24 * 8));
    assert_eq!(refused_status(&server, &expired).await, "expired");

    let refusing = FakeChallengeService::start(&[Behavior::Refuse(400)]).await;
    let server = refusing.server().await;
    let failed = server.order_bankid().await;
    server.run_background_tasks().await;
    assert_eq!(refused_status(&server, &failed).await, "failed");
}

#[tokio::test]
async fn a_test_that_has_expired_at_another_server_cannot_be_cancelled() {
    let real = TestServer::start().await;
    let server = server_in_front_of(&real, &[Behavior::Forward]).await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    for each in [&real, &server] {
        each.advance(Duration::from_hours(24 * 8));
    }
    assert_eq!(refused_status(&server, &challenge).await, "expired");
}

#[tokio::test]
async fn cancelling_a_scheduled_test_updates_when_it_changed() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    server.advance(Duration::from_mins(1));
    let cancelled = server.cancel(&challenge).await.expect(200);
    assert_eq!(cancelled["updatedAt"], server.now().to_string());
    server.run_background_tasks().await;
    assert_eq!(server.show(&challenge).await, cancelled);
}

#[tokio::test]
async fn a_test_observed_as_completed_is_a_conflict_while_the_challenge_service_is_down() {
    let real = TestServer::start().await;
    // The hand-over and one observation work, and nothing afterwards.
    let behaviors = [Behavior::Forward, Behavior::Forward, Behavior::Disconnect];
    let server = server_in_front_of(&real, &behaviors).await;
    let id = server.order_bankid().await;
    server.run_background_tasks().await;
    let test = server.show(&id).await;
    let challenge = test["challengeId"].as_str().unwrap();
    assert_eq!(real.join_and_verify(challenge, "bankidse", "Ada").await, "claimed");
    server.advance(Duration::from_secs(2));
    server.run_background_tasks().await;
    assert_eq!(refused_status(&server, &id).await, "completed");
}

#[tokio::test]
async fn a_test_past_its_end_is_a_conflict_while_the_challenge_service_is_down() {
    let real = TestServer::start().await;
    let server = server_in_front_of(&real, &[Behavior::Forward, Behavior::Disconnect]).await;
    let id = server.order_bankid().await;
    server.run_background_tasks().await;
    server.advance(Duration::from_hours(24 * 8));
    assert_eq!(refused_status(&server, &id).await, "expired");
}

#[tokio::test]
async fn while_the_challenge_service_is_down_a_scheduled_test_cannot_be_cancelled_and_stays_open() {
    let real = TestServer::start().await;
    let behaviors = [Behavior::Forward, Behavior::Disconnect, Behavior::Forward];
    let server = server_in_front_of(&real, &behaviors).await;
    let id = server.order_bankid().await;
    server.run_background_tasks().await;
    let error = server.cancel(&id).await.expect_error(503, "SYSTEM_UNAVAILABLE");
    assert!(error["message"].as_str().unwrap().contains("not known"), "{error}");
    assert_eq!(real.open_challenges().await.len(), 1);
    server.cancel(&id).await.expect(200);
    assert_eq!(real.open_challenges().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_challenge_created_by_an_attempt_whose_response_was_lost_is_recalled() {
    let real = TestServer::start().await;
    let behaviors = [Behavior::ForwardAndDisconnect, Behavior::Forward];
    let server = server_in_front_of(&real, &behaviors).await;
    let id = server.order_bankid().await;
    server.run_background_tasks().await;
    assert_eq!(real.open_challenges().await.len(), 1);
    assert_eq!(server.cancel(&id).await.expect(200)["status"], "cancelled");
    server.run_background_tasks().await;
    assert_eq!(real.open_challenges().await, Vec::<Value>::new());
    assert_eq!(server.cancel(&id).await.expect(200)["challengeId"], Value::Null);
}

#[tokio::test]
async fn a_recall_that_is_refused_is_retried() {
    let real = TestServer::start().await;
    let behaviors = [
        Behavior::ForwardAndDisconnect,
        Behavior::Refuse(401),
        Behavior::RespondAsProxy(404),
        Behavior::Refuse(400),
        Behavior::RespondAsProxy(404),
        Behavior::Forward,
    ];
    let server = server_in_front_of(&real, &behaviors).await;
    let id = server.order_bankid().await;
    server.run_background_tasks().await;
    server.cancel(&id).await.expect(200);
    server.run_background_tasks().await;
    for _ in 0..3 {
        assert_eq!(real.open_challenges().await.len(), 1, "the recall went astray");
        server.advance(Duration::from_secs(30));
        server.run_background_tasks().await;
    }
    assert_eq!(real.open_challenges().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_recall_ends_when_there_is_no_challenge() {
    let behaviors = [Behavior::Disconnect, Behavior::Refuse(422), Behavior::Refuse(404)];
    let server = FakeChallengeService::start(&behaviors).await.server().await;
    let id = server.order_bankid().await;
    server.run_background_tasks().await;
    server.cancel(&id).await.expect(200);
    let recalls = "challenge_requests WHERE recall_at IS NOT NULL";
    assert_eq!(server.database().count(Store::Workspace, recalls).await, 1);
    server.run_background_tasks().await;
    assert_eq!(server.database().count(Store::Workspace, recalls).await, 0);
}

#[tokio::test]
async fn a_test_cancelled_during_its_hand_over_leaves_no_open_challenge() {
    let real = TestServer::start().await;
    let server = server_in_front_of(&real, &[Behavior::Hang, Behavior::Forward]).await;
    let id = server.order_bankid().await;
    let leased = "challenge_requests WHERE leased_by IS NOT NULL";
    let (cancelled, ()) = tokio::join!(
        async {
            eventually("the request is leased", async || {
                server.database().count(Store::Workspace, leased).await == 1
            })
            .await;
            server.cancel(&id).await
        },
        server.run_background_tasks()
    );
    assert_eq!(cancelled.expect(200)["status"], "cancelled");
    // The attempt may have created a challenge. It is closed once the lease has expired.
    server.expire_leases();
    server.run_background_tasks().await;
    assert_eq!(server.show(&id).await["status"], "cancelled");
    assert_eq!(real.open_challenges().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_challenge_created_before_its_lease_was_released_is_recalled() {
    let server = TestServer::start().await;
    let id = server.order_bankid().await;
    server.expire_leases();
    let (now, until) = (server.now(), server.now().plus(Duration::from_secs(20)));
    let lease = LeaseDue { holder: "stopping".into(), now, until, limit: 10 };
    let leased = server.with_store(async |store, _| store.lease_due(lease).await).await;
    server.create_challenge(&id).await;
    let key = leased.unwrap().iter().map(RequestKey::from).next().expect("one is leased");
    let release = ReleaseLease { key, holder: "stopping".into(), was_attempted: true };
    let release = vec![release];
    let released = server.with_store(async |store, _| store.release_each_lease(release).await);
    assert_eq!(released.await, 1);
    assert_eq!(server.open_challenges().await.len(), 1);
    assert_eq!(server.cancel(&id).await.expect(200)["status"], "cancelled");
    server.run_background_tasks().await;
    assert_eq!(server.open_challenges().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_challenge_created_before_a_retry_is_recalled() {
    let real = TestServer::start().await;
    // The hand-over is refused, and the challenge is not found, but it is created nevertheless.
    let behaviors = [Behavior::Refuse(400), Behavior::Refuse(404), Behavior::Forward];
    let server = server_in_front_of(&real, &behaviors).await;
    let id = server.order_bankid().await;
    server.run_background_tasks().await;
    real.create_challenge(&id).await;
    server.retry(&id).await.expect(200);
    assert_eq!(real.open_challenges().await.len(), 1);
    assert_eq!(server.cancel(&id).await.expect(200)["status"], "cancelled");
    server.run_background_tasks().await;
    assert_eq!(real.open_challenges().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_challenge_created_during_a_stop_is_recalled_after_the_restart() {
    let real = TestServer::start().await;
    let fake = FakeChallengeService::in_front_of(&real, &[Behavior::Hang, Behavior::Forward]).await;
    let server = fake.server_with_periodic_tasks().await;
    let id = server.order_bankid().await;
    fake.attempt_begins().await;
    real.create_challenge(&id).await;
    let database = server.stop().await;
    let url = fake.url.clone();
    let server = TestServer::start_on(database, |config| config.tpas_url = Some(url)).await;
    assert_eq!(real.open_challenges().await.len(), 1);
    assert_eq!(server.cancel(&id).await.expect(200)["status"], "cancelled");
    server.run_background_tasks().await;
    assert_eq!(real.open_challenges().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_key_cancels_tests_of_its_own_workspace_and_only_with_full_access() {
    let server = TestServer::start().await;
    let id = server.order_bankid().await;
    let reader = server.read_only_key().await;
    let (_, stranger) = server.create_workspace().await;
    let cancel = || server.request("POST", &format!("{TESTS}/{id}/cancel"));
    cancel().bearer(&reader).send().await.expect_error(403, "AUTH_FORBIDDEN");
    cancel().bearer(&stranger).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    cancel().send().await.expect_error(401, "AUTH_INVALID_CREDENTIALS");
    let unknown = server.cancel("req_019d6c88-0000-7000-8000-000000000000").await;
    unknown.expect_error(404, "RESOURCE_NOT_FOUND");
    assert_eq!(server.show(&id).await["status"], "pending");
}

#[tokio::test]
async fn an_order_that_was_cancelled_is_replayed_as_it_was_placed() {
    let server = TestServer::start().await;
    let order = json!({ "title": "BankID" });
    let first = server.order_with_key("key", &order).await.expect(201);
    server.cancel(id_of(&first)).await.expect(200);
    let second = server.order_with_key("key", &order).await;
    assert_eq!(second.expect(201), first);
    assert!(second.is_replay());
}
