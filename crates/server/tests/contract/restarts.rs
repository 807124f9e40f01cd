//! §7, §9: what a stop, a crash or a wrong clock must not lose.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Store, TestServer, id_of};

const MONTH: Duration = Duration::from_hours(24 * 30);

fn one_stamp() -> Value {
    json!({ "title": "BankID", "providerIds": ["bankidse"], "maxStamps": 1 })
}

/// The names of the events, in their order.
async fn event_names(server: &TestServer) -> Vec<String> {
    let rows =
        server.database().rows(Store::Workspace, "SELECT name FROM events ORDER BY sequence");
    rows.await.into_iter().flatten().flatten().collect()
}

async fn untold_count(server: &TestServer) -> usize {
    let sql = "SELECT id FROM challenges WHERE untold";
    server.database().rows(Store::Challenge, sql).await.len()
}

#[tokio::test]
async fn the_last_stamp_before_a_stop_is_told_after_the_next_start() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&one_stamp()).await;
    assert_eq!(server.join_and_verify(&challenge, "bankidse", "Ada").await, "claimed");
    // Nothing has told it yet, and what the process knew is gone.
    let server = server.restart(|_| {}).await;
    assert_eq!(untold_count(&server).await, 1);
    server.run_background_tasks().await;
    assert_eq!(server.list().await[0]["challenge"]["isActive"], false);
    let names = event_names(&server).await;
    assert!(names.iter().any(|name| name.contains("stamp_claimed")), "{names:?}");
    assert!(names.last().unwrap().contains("completed"), "{names:?}");
    assert_eq!(untold_count(&server).await, 0);
}

#[tokio::test]
async fn a_stamp_that_is_granted_before_its_hand_over_is_recorded_is_told_afterwards() {
    let server = TestServer::start().await;
    let id = id_of(&server.order(&one_stamp()).await.expect(201)).to_owned();
    server.create_challenge(&id).await;
    let challenge = id.replace("req_", "ch_");
    assert_eq!(server.join_and_verify(&challenge, "bankidse", "Ada").await, "claimed");
    server.run_background_tasks().await;
    server.run_background_tasks().await;
    let names = event_names(&server).await;
    assert!(names.iter().any(|name| name.contains("stamp_claimed")), "{names:?}");
    assert!(names.last().unwrap().contains("completed"), "{names:?}");
    assert_eq!(untold_count(&server).await, 0);
}

#[tokio::test]
async fn an_order_of_a_fast_clock_is_handed_over_at_the_right_time() {
    let server = TestServer::start().await;
    server.advance(MONTH);
    let id = id_of(&server.order(&one_stamp()).await.expect(201)).to_owned();
    let server = server.restart_earlier(MONTH).await;
    server.run_background_tasks().await;
    assert_eq!(server.show(&id).await["status"], "scheduled");
}

#[tokio::test]
async fn a_test_that_expired_for_a_fast_clock_goes_on_at_the_right_time() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&one_stamp()).await;
    server.advance(MONTH);
    server.run_background_tasks().await;
    assert!(event_names(&server).await.last().unwrap().contains("expired"));
    let server = server.restart_earlier(MONTH).await;
    assert_eq!(server.list().await[0]["challenge"]["isActive"], true);
    assert_eq!(server.join_and_verify(&challenge, "bankidse", "Ada").await, "claimed");
    server.run_background_tasks().await;
    assert_eq!(server.list().await[0]["challenge"]["isActive"], false);
    assert!(event_names(&server).await.last().unwrap().contains("completed"));
}

#[tokio::test]
async fn a_participation_of_a_fast_clock_does_not_keep_its_browser_from_joining() {
    let server = TestServer::start().await;
    server.advance(MONTH);
    let challenge = server.order_and_schedule(&one_stamp()).await;
    let joined = server.join(&challenge, "bankidse").send().await;
    let cookie = joined.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let server = server.restart_earlier(MONTH).await;
    let again = server.join(&challenge, "bankidse").header("Cookie", &cookie).send().await;
    again.expect(201);
    server.run_background_tasks().await;
    let lapsed = "SELECT status FROM participations WHERE status = 'lapsed'";
    assert_eq!(server.database().rows(Store::Challenge, lapsed).await.len(), 1);
}

#[tokio::test]
async fn reports_and_counts_agree_whatever_happened() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["bankidse", "mitid"], "maxStamps": 2 });
    let challenge = server.order_and_schedule(&order).await;
    for (provider, subject) in [("bankidse", "Ada"), ("bankidse", "Ada"), ("mitid", "Ada")] {
        server.join_and_verify(&challenge, provider, subject).await;
    }
    server.join(&challenge, "mitid").send().await.expect_error(409, "RESOURCE_CONFLICT");
    let stats = server.report(&challenge).await["stats"].clone();
    assert_eq!((&stats["totalParticipations"], &stats["totalClaims"]), (&json!(3), &json!(2)));
    let sql = "SELECT outcome, number FROM participation_counts WHERE outcome IN
        ('claimed', 'duplicate', 'missed')";
    assert_eq!(server.database().rows(Store::Challenge, sql).await.len(), 3);
}
