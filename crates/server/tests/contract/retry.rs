//! §7: retrying a failed production test.

use std::time::Duration;

use serde_json::json;

use crate::support::fake_challenge_service::{Behavior, FakeChallengeService};
use crate::support::{TESTS, TestServer};

/// A real challenge service, a server that uses it, and a failed request of that server. The
/// challenge service behaves like this at a retry.
async fn failed_request(at_retry: Behavior) -> (TestServer, TestServer, String) {
    let real = TestServer::start().await;
    let behaviors = [Behavior::Refuse(400), Behavior::Refuse(404), at_retry];
    let server = FakeChallengeService::in_front_of(&real, &behaviors).await.server().await;
    let id = server.order_bankid().await;
    server.run_background_tasks().await;
    assert_eq!(server.show(&id).await["status"], "failed");
    (real, server, id)
}

#[tokio::test]
async fn a_retried_request_is_pending_and_attempted_like_a_new_one() {
    let (_real, server, id) = failed_request(Behavior::Forward).await;
    server.advance(Duration::from_hours(48));
    let retried = server.retry(&id).await.expect(200);
    assert_eq!(retried["status"], "pending");
    let now = server.now().to_string();
    let expected = json!({ "attempts": 0, "nextAttemptAt": now, "lastError": null });
    assert_eq!(retried["scheduling"], expected);
    server.run_background_tasks().await;
    let scheduled = server.show(&id).await;
    assert_eq!(scheduled["status"], "scheduled");
    assert_eq!(scheduled["scheduling"]["attempts"], 1);
}

#[tokio::test]
async fn a_retried_request_is_attempted_for_another_24_hours() {
    let (_real, server, id) = failed_request(Behavior::Disconnect).await;
    server.advance(Duration::from_hours(48));
    server.retry(&id).await.expect(200);
    server.run_background_tasks().await;
    assert_eq!(server.show(&id).await["status"], "pending");
    server.advance(Duration::from_hours(25));
    server.run_background_tasks().await;
    assert_eq!(server.show(&id).await["status"], "failed");
}

#[tokio::test]
async fn retrying_is_idempotent() {
    let (_real, server, id) = failed_request(Behavior::Forward).await;
    server.advance(Duration::from_secs(1));
    let first = server.retry(&id).await.expect(200);
    server.advance(Duration::from_secs(1));
    assert_eq!(server.retry(&id).await.expect(200), first);
}

#[tokio::test]
async fn a_request_that_has_not_failed_cannot_be_retried() {
    let server = TestServer::start().await;
    let id = server.order_bankid().await;
    let refused_status = async |id: &str| {
        let error = server.retry(id).await.expect_error(409, "RESOURCE_CONFLICT");
        error["details"]["status"].clone()
    };
    assert_eq!(refused_status(&id).await, "pending");
    server.cancel(&id).await.expect(200);
    assert_eq!(refused_status(&id).await, "cancelled");
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    assert_eq!(refused_status(&challenge).await, "scheduled");
}

#[tokio::test]
async fn a_key_retries_tests_of_its_own_workspace_and_only_with_full_access() {
    let (_real, server, id) = failed_request(Behavior::Forward).await;
    let reader = server.read_only_key().await;
    let (_, stranger) = server.create_workspace().await;
    let retry = |key| server.request("POST", &format!("{TESTS}/{id}/retry")).bearer(key).send();
    retry(&reader).await.expect_error(403, "AUTH_FORBIDDEN");
    retry(&stranger).await.expect_error(404, "RESOURCE_NOT_FOUND");
    assert_eq!(server.show(&id).await["status"], "failed");
}
