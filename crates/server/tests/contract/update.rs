//! §7: more room and more time for a production test.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fake_challenge_service::{Behavior, FakeChallengeService};
use crate::support::{Store, TESTS, TestResponse, TestServer, completed, eventually, id_of};

const DAY: Duration = Duration::from_hours(24);

async fn update(server: &TestServer, id: &str, body: &Value) -> TestResponse {
    server.authorized("PATCH", &format!("{TESTS}/{id}")).json(body).send().await
}

/// The names of the app's events, in their order.
async fn event_names(server: &TestServer) -> Vec<String> {
    let mut stream =
        server.get(&format!("{TESTS}/events")).header("Last-Event-ID", "0").open_stream().await;
    let count = server.database().count(Store::Workspace, "events").await;
    let mut names = Vec::new();
    for _ in 0..count {
        let event = stream.next_event().await;
        names.push(
            event["event"].as_str().unwrap().trim_start_matches("production_test.").to_owned(),
        );
    }
    names
}

#[tokio::test]
async fn the_limit_of_an_open_test_is_raised_and_a_further_stamp_is_granted() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x", "maxStamps": 1 })).await;
    let updated = update(&server, &challenge, &json!({ "maxStamps": 2 })).await.expect(200);
    assert_eq!(updated["payload"]["maxStampClaims"], 2);
    assert_eq!(server.show(&challenge).await, updated);
    for person in ["Ada", "Grace"] {
        assert_eq!(server.join_and_verify(&challenge, "bankidse", person).await, "claimed");
    }
    assert_eq!(server.join(&challenge, "bankidse").send().await.status, 409);
    server.run_background_tasks().await;
    assert_eq!(
        event_names(&server).await,
        ["scheduled", "updated", "stamp_claimed", "stamp_claimed", "completed"]
    );
}

#[tokio::test]
async fn a_complete_test_opens_again_and_nobody_loses_a_stamp() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x", "maxStamps": 1 })).await;
    assert_eq!(server.join_and_verify(&challenge, "bankidse", "Ada").await, "claimed");
    server.run_background_tasks().await;
    assert_eq!(server.show(&challenge).await["challenge"]["isActive"], false);

    let reopened = update(&server, &challenge, &json!({ "maxStamps": 2 })).await.expect(200);
    assert_eq!(reopened["challenge"]["isActive"], true);
    assert_eq!(reopened["challenge"]["completedAt"], Value::Null);
    assert_eq!(server.report(&challenge).await["stats"]["totalClaims"], 1);
    assert_eq!(server.join_and_verify(&challenge, "bankidse", "Ada").await, "duplicate");
    assert_eq!(server.join_and_verify(&challenge, "bankidse", "Grace").await, "claimed");
    server.run_background_tasks().await;
    assert_eq!(server.show(&challenge).await["challenge"]["isActive"], false);
    assert_eq!(
        event_names(&server).await,
        ["scheduled", "stamp_claimed", "completed", "updated", "stamp_claimed", "completed"]
    );
}

#[tokio::test]
async fn the_end_moves_and_the_test_expires_then() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let later = server.now().plus(10 * DAY).to_string();
    let updated = update(&server, &challenge, &json!({ "expiresAt": later })).await.expect(200);
    assert_eq!(updated["challenge"]["expiresAt"], later);
    server.advance(9 * DAY);
    server.run_background_tasks().await;
    assert_eq!(server.show(&challenge).await["challenge"]["isActive"], true);
    server.advance(DAY);
    server.run_background_tasks().await;
    let over = update(&server, &challenge, &json!({ "maxStamps": 9 })).await;
    let error = over.expect_error(409, "RESOURCE_CONFLICT");
    assert_eq!(error["details"]["status"], "expired");
}

#[tokio::test]
async fn a_pending_test_is_handed_over_as_it_was_changed() {
    let real = TestServer::start().await;
    let behaviors = [Behavior::Disconnect, Behavior::Forward];
    let server = FakeChallengeService::in_front_of(&real, &behaviors).await.server().await;
    let request = server.order_bankid().await;
    server.run_background_tasks().await;
    let end = server.now().plus(20 * DAY).to_string();
    let body = json!({ "maxStamps": 4, "expiresAt": end });
    let updated = update(&server, &request, &body).await.expect(200);
    assert_eq!(updated["status"], "pending");
    assert_eq!(updated["payload"]["maxStampClaims"], 4);
    assert_eq!(updated["payload"]["expiresAt"], end);
    server.advance(Duration::from_mins(5));
    server.run_background_tasks().await;
    let scheduled = server.show(&request).await;
    assert_eq!(scheduled["challenge"]["expiresAt"], end);
    assert_eq!(scheduled["payload"]["maxStampClaims"], 4);
}

#[tokio::test]
async fn a_challenge_whose_answer_was_lost_catches_up_with_the_changed_request() {
    let real = TestServer::start().await;
    let behaviors = [Behavior::ForwardAndDisconnect, Behavior::Forward];
    let server = FakeChallengeService::in_front_of(&real, &behaviors).await.server().await;
    let request = server.order_bankid().await;
    server.run_background_tasks().await;
    assert_eq!(server.show(&request).await["status"], "pending");
    update(&server, &request, &json!({ "maxStamps": 2 })).await.expect(200);
    server.advance(Duration::from_mins(5));
    server.run_background_tasks().await;
    let challenge = server.show(&request).await["challengeId"].as_str().unwrap().to_owned();
    for person in ["Ada", "Grace"] {
        assert_eq!(real.join_and_verify(&challenge, "bankidse", person).await, "claimed");
    }
}

#[tokio::test]
async fn values_out_of_range_are_conflicts_and_malformed_ones_are_named() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let before = server.show(&challenge).await;
    let (past, far) = (server.now().minus(DAY), server.now().plus(31 * DAY));
    for body in [
        json!({ "maxStamps": 2 }),
        json!({ "expiresAt": past.to_string() }),
        json!({ "maxStamps": 5, "expiresAt": far.to_string() }),
    ] {
        update(&server, &challenge, &body).await.expect_error(409, "RESOURCE_CONFLICT");
    }
    for (body, parameter) in [
        (json!({ "maxStamps": 0 }), "maxStamps"),
        (json!({ "maxStamps": "5" }), "maxStamps"),
        (json!({ "expiresAt": "tomorrow" }), "expiresAt"),
    ] {
        let refused = update(&server, &challenge, &body).await;
        let error = refused.expect_error(400, "VALIDATION_INVALID_PARAMETER");
        assert_eq!(error["details"]["parameter"], parameter);
    }
    assert_eq!(update(&server, &challenge, &json!({})).await.expect(200), before);
    let same = update(&server, &challenge, &json!({ "maxStamps": 3 })).await.expect(200);
    assert_eq!(same["payload"], before["payload"]);
    assert_eq!(event_names(&server).await, ["scheduled"]);
}

#[tokio::test]
async fn a_cancelled_or_failed_test_cannot_be_changed() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    server.cancel(&challenge).await.expect(200);
    let refused = update(&server, &challenge, &json!({ "maxStamps": 5 })).await;
    assert_eq!(refused.expect_error(409, "RESOURCE_CONFLICT")["details"]["status"], "cancelled");

    let refusing = FakeChallengeService::start(&[Behavior::Refuse(400)]).await;
    let server = refusing.server().await;
    let failed = server.order_bankid().await;
    server.run_background_tasks().await;
    let refused = update(&server, &failed, &json!({ "maxStamps": 5 })).await;
    assert_eq!(refused.expect_error(409, "RESOURCE_CONFLICT")["details"]["status"], "failed");
}

#[tokio::test]
async fn an_update_whose_answer_is_lost_can_be_repeated() {
    let real = TestServer::start().await;
    let behaviors = [Behavior::Forward, Behavior::ForwardAndDisconnect, Behavior::Forward];
    let server = FakeChallengeService::in_front_of(&real, &behaviors).await.server().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x", "maxStamps": 1 })).await;
    let body = json!({ "maxStamps": 2 });
    update(&server, &challenge, &body).await.expect_error(503, "SYSTEM_UNAVAILABLE");
    let updated = update(&server, &challenge, &body).await.expect(200);
    assert_eq!(updated["payload"]["maxStampClaims"], 2);
}

#[tokio::test]
async fn the_last_stamp_and_more_room_at_the_same_time_lose_nothing() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x", "maxStamps": 1 })).await;
    let body = json!({ "maxStamps": 3 });
    let (updated, ()) = tokio::join!(update(&server, &challenge, &body), async {
        for person in ["Ada", "Grace", "Edith"] {
            let joined = server.join(&challenge, "bankidse").send().await;
            if joined.status == 201 {
                server.simulate(&joined.expect(201), &completed(person)).await;
            }
        }
    });
    updated.expect(200);
    eventually("the test is as open as its stamps say", async || {
        server.run_background_tasks().await;
        let test = server.show(&challenge).await;
        let claims = server.report(&challenge).await["stats"]["totalClaims"].clone();
        test["challenge"]["isActive"] == (claims != 3)
    })
    .await;
    let id = id_of(&server.show(&challenge).await).to_owned();
    assert_eq!(server.show(&id).await["payload"]["maxStampClaims"], 3);
}
