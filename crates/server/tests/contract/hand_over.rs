//! §9: handing requests over to a challenge service, also one that misbehaves.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use store_workspace::{FinishHandOver, HandOverEnd, LeaseDue, RequestKey};

use crate::support::fake_challenge_service::{Behavior, FakeChallengeService};
use crate::support::{Store, TestServer, eventually};

/// A real challenge service, one in front of it that misbehaves, and a server that uses that one.
async fn start(behaviors: &[Behavior]) -> (TestServer, FakeChallengeService, TestServer) {
    let real = TestServer::start().await;
    let fake = FakeChallengeService::in_front_of(&real, behaviors).await;
    let server = fake.server().await;
    (real, fake, server)
}

async fn challenge_count(server: &TestServer) -> usize {
    server.database().count(Store::Challenge, "challenges").await
}

#[track_caller]
fn assert_attempts(test: &Value, status: &str, attempts: u32) {
    assert_eq!(test["status"], status, "{test}");
    assert_eq!(test["scheduling"]["attempts"], attempts, "{test}");
}

/// Runs the background tasks, an hour apart, until the request is no longer pending.
async fn run_until_decided(server: &TestServer, id: &str) -> Value {
    for _ in 0..10 {
        server.run_background_tasks().await;
        let test = server.show(id).await;
        if test["status"] != "pending" {
            return test;
        }
        server.advance(Duration::from_hours(1));
    }
    panic!("still pending: {}", server.show(id).await);
}

/// Leases what is due, as another scheduler does.
async fn lease_due(server: &TestServer, holder: &str) -> Vec<RequestKey> {
    let (now, until) = (server.now(), server.now().plus(Duration::from_secs(20)));
    let lease = LeaseDue { holder: holder.into(), now, until, limit: 10 };
    let leased = server.with_store(async |store, _| store.lease_due(lease).await).await.unwrap();
    leased.iter().map(RequestKey::from).collect()
}

#[tokio::test]
async fn a_request_handed_over_by_http_becomes_a_challenge() {
    let (real, _fake, server) = start(&[Behavior::Forward]).await;
    let id = server.order_bankid().await;
    let test = run_until_decided(&server, &id).await;
    assert_attempts(&test, "scheduled", 1);
    let open = real.open_challenges().await;
    assert_eq!((&open[0]["id"], &open[0]["hostName"]), (&test["challengeId"], &json!("Acme Bank")));
    let report = server.report(test["challengeId"].as_str().unwrap()).await;
    assert_eq!(report["challenge"], test["challenge"]);
}

#[tokio::test]
async fn an_attempt_that_fails_for_a_temporary_reason_is_repeated() {
    let temporary = [
        Behavior::Disconnect,
        Behavior::Hang,
        Behavior::Respond(500, ""),
        Behavior::Respond(503, ""),
        Behavior::Respond(408, ""),
        Behavior::Respond(429, ""),
        Behavior::Respond(200, ""),
    ];
    for behavior in temporary {
        let (real, fake, server) = start(&[behavior.clone(), Behavior::Forward]).await;
        let id = server.order_bankid().await;
        server.run_background_tasks().await;
        let test = server.show(&id).await;
        assert_attempts(&test, "pending", 1);
        assert!(test["scheduling"]["lastError"].is_string(), "{behavior:?}");
        assert_attempts(&run_until_decided(&server, &id).await, "scheduled", 2);
        let counts = (fake.hand_over_count(), challenge_count(&real).await);
        assert_eq!(counts, (2, 1), "{behavior:?}");
    }
}

#[tokio::test]
async fn a_refused_request_fails_at_once_and_is_not_attempted_again() {
    for status in [400, 409, 413, 422] {
        let behaviors = [Behavior::Refuse(status), Behavior::Refuse(404)];
        let (_real, fake, server) = start(&behaviors).await;
        let id = server.order_bankid().await;
        server.run_background_tasks().await;
        let test = server.show(&id).await;
        assert_attempts(&test, "failed", 1);
        assert_eq!(test["challengeId"], Value::Null);
        assert_eq!(test["scheduling"]["nextAttemptAt"], Value::Null);
        let reason = test["scheduling"]["lastError"].as_str().unwrap();
        assert!(reason.contains(&status.to_string()), "{reason}");
        server.advance(Duration::from_hours(30));
        server.run_background_tasks().await;
        assert_eq!(fake.hand_over_count(), 1);
    }
}

#[tokio::test]
async fn what_an_operator_has_to_mend_costs_no_order() {
    let mishaps = [400, 401, 403, 404, 405, 409, 413, 421, 422, 425, 499, 302]
        .map(Behavior::RespondAsProxy)
        .into_iter()
        .chain([401, 403, 404, 405].map(Behavior::Refuse))
        .chain([Behavior::Respond(404, ""), Behavior::RespondEndlessly]);
    for mishap in mishaps {
        let (real, _fake, server) = start(&[mishap.clone(), Behavior::Forward]).await;
        let id = server.order_bankid().await;
        server.run_background_tasks().await;
        let test = server.show(&id).await;
        assert_attempts(&test, "pending", 1);
        assert!(test["scheduling"]["lastError"].is_string(), "{mishap:?}");
        let ready = server.get("/readyz").send().await.expect(200);
        let warning = ready["warnings"][0].as_str().expect("a warning");
        assert!(warning.contains("--tpas-url"), "{mishap:?}: {warning}");
        let gauge = "fieldtest_hand_overs_need_operator";
        assert!(server.metrics().await.contains(&format!("{gauge} 1")), "{mishap:?}");

        assert_attempts(&run_until_decided(&server, &id).await, "scheduled", 2);
        assert_eq!(server.get("/readyz").send().await.expect(200)["warnings"], Value::Null);
        assert!(server.metrics().await.contains(&format!("{gauge} 0")), "{mishap:?}");
        assert_eq!(challenge_count(&real).await, 1, "{mishap:?}");
    }
}

#[tokio::test]
async fn the_url_of_the_challenge_service_may_end_with_its_path() {
    let real = TestServer::start().await;
    for ending in ["/", "/tpas/v1", "/tpas/v1/"] {
        let url = format!("{}{ending}", real.url);
        let server = TestServer::start_with(|config| config.tpas_url = Some(url)).await;
        let id = server.order_bankid().await;
        assert_attempts(&run_until_decided(&server, &id).await, "scheduled", 1);
    }
}

#[tokio::test]
async fn a_refusal_whose_challenge_cannot_be_looked_up_is_not_final() {
    // The challenge is made and the answer is lost; then a proxy stands between.
    let behaviors = [
        Behavior::ForwardAndDisconnect,
        Behavior::Refuse(400),
        Behavior::RespondAsProxy(404),
        Behavior::Forward,
    ];
    let (real, _fake, server) = start(&behaviors).await;
    let id = server.order_bankid().await;
    assert_attempts(&run_until_decided(&server, &id).await, "scheduled", 3);
    assert_eq!(challenge_count(&real).await, 1);
}

#[tokio::test]
async fn the_challenge_of_a_request_that_failed_is_closed_in_the_end() {
    // The challenge is made and the answer is lost; then the service is away for 24 hours.
    let mut behaviors = vec![Behavior::ForwardAndDisconnect];
    behaviors.extend(vec![Behavior::Disconnect; 30]);
    behaviors.extend([Behavior::RespondAsProxy(404), Behavior::Refuse(401), Behavior::Forward]);
    let (real, _fake, server) = start(&behaviors).await;
    let id = server.order_bankid().await;
    for _ in 0..30 {
        server.run_background_tasks().await;
        server.advance(Duration::from_hours(1));
    }
    assert_eq!(server.show(&id).await["status"], "failed");
    assert_eq!(real.open_challenges().await.len(), 1);
    for _ in 0..10 {
        server.run_background_tasks().await;
        server.advance(Duration::from_hours(1));
    }
    assert!(real.open_challenges().await.is_empty());
    assert_eq!(server.show(&id).await["status"], "failed");
}

#[tokio::test]
async fn a_fieldtest_that_is_no_challenge_service_says_nothing_about_a_challenge() {
    let real = TestServer::start().await;
    let behaviors = [Behavior::ForwardAndDisconnect, Behavior::Forward];
    let fake = FakeChallengeService::in_front_of(&real, &behaviors).await;
    let server = fake.server().await;
    let id = server.order_bankid().await;
    server.run_background_tasks().await;
    server.cancel(&id).await.expect(200);
    // The URL leads to a server without the role of a challenge service, and then to the right one.
    let nobody = TestServer::start_with(|config| {
        config.tpas_url = Some(real.url.clone());
        config.roles = "api,scheduler".parse().unwrap();
    })
    .await;
    let nobody_url = nobody.url.clone();
    let server = server.restart(|config| config.tpas_url = Some(nobody_url)).await;
    server.advance(Duration::from_secs(60));
    server.run_background_tasks().await;
    assert_eq!(real.open_challenges().await.len(), 1, "the recall went astray");
    let url = fake.url.clone();
    let server = server.restart(|config| config.tpas_url = Some(url)).await;
    server.advance(Duration::from_hours(1));
    server.run_background_tasks().await;
    assert!(real.open_challenges().await.is_empty());
}

#[tokio::test]
async fn a_challenge_that_the_service_has_lost_is_not_asked_for_without_end() {
    let (_real, fake, server) = start(&[Behavior::Forward, Behavior::Refuse(404)]).await;
    let id = server.order_bankid().await;
    let test = run_until_decided(&server, &id).await;
    server.run_background_tasks().await;
    assert_eq!(server.show(&id).await["challenge"]["isActive"], true);
    server.advance(Duration::from_hours(24 * 8));
    server.run_background_tasks().await;
    assert_eq!(server.show(&id).await["challenge"]["isActive"], false);
    let asked = fake.request_count();
    for _ in 0..5 {
        server.advance(Duration::from_hours(1));
        server.run_background_tasks().await;
    }
    assert_eq!(fake.request_count(), asked, "{test}");
}

#[tokio::test]
async fn a_request_is_not_attempted_before_the_time_that_retry_after_names() {
    let busy = Behavior::Respond(503, "retry-after: 40\r\n");
    let (_real, fake, server) = start(&[busy, Behavior::Forward]).await;
    let id = server.order_bankid().await;
    server.run_background_tasks().await;
    let scheduling = server.show(&id).await["scheduling"].clone();
    assert_eq!(scheduling["nextAttemptAt"], "2026-04-08T10:00:40.000Z");
    server.advance(Duration::from_millis(39_999));
    server.run_background_tasks().await;
    assert_eq!(fake.hand_over_count(), 1);
    server.advance(Duration::from_millis(1));
    server.run_background_tasks().await;
    assert_attempts(&server.show(&id).await, "scheduled", 2);
}

#[tokio::test]
async fn a_request_fails_with_the_last_reason_after_24_hours_without_success() {
    let busy = Behavior::Respond(503, "retry-after: 100000\r\n");
    let (_real, _fake, server) = start(&[busy, Behavior::Respond(500, "")]).await;
    let id = server.order_bankid().await;
    server.run_background_tasks().await;
    let scheduling = server.show(&id).await["scheduling"].clone();
    assert_eq!(scheduling["nextAttemptAt"], "2026-04-09T10:00:00.000Z", "the last attempt");
    server.advance(Duration::from_hours(24));
    server.run_background_tasks().await;
    let test = server.show(&id).await;
    assert_attempts(&test, "failed", 2);
    let reason = test["scheduling"]["lastError"].as_str().unwrap();
    assert!(reason.contains("500"), "{reason}");
}

#[tokio::test]
async fn attempts_whose_responses_are_lost_create_one_challenge() {
    let lost = Behavior::ForwardAndDisconnect;
    let (real, fake, server) = start(&[lost.clone(), lost.clone(), lost, Behavior::Forward]).await;
    let id = server.order_bankid().await;
    assert_attempts(&run_until_decided(&server, &id).await, "scheduled", 4);
    assert_eq!((fake.hand_over_count(), challenge_count(&real).await), (4, 1));
}

#[tokio::test]
async fn a_request_whose_challenge_exists_is_scheduled_even_if_a_later_attempt_is_refused() {
    let (real, _fake, server) =
        start(&[Behavior::ForwardAndDisconnect, Behavior::Refuse(400), Behavior::Forward]).await;
    let id = server.order_bankid().await;
    assert_attempts(&run_until_decided(&server, &id).await, "scheduled", 2);
    assert_eq!(challenge_count(&real).await, 1);
}

#[tokio::test]
async fn an_attempt_that_hangs_does_not_delay_other_requests() {
    let real = TestServer::start().await;
    let fake = FakeChallengeService::in_front_of(&real, &[Behavior::Hang, Behavior::Forward]).await;
    let server = fake.server_with_periodic_tasks().await;
    let hanging = server.order_bankid().await;
    fake.attempt_begins().await;
    let next = server.order_bankid().await;
    eventually("the second request is scheduled", async || {
        server.show(&next).await["status"] == "scheduled"
    })
    .await;
    assert_eq!(server.show(&hanging).await["status"], "pending");
}

#[tokio::test]
async fn a_long_reason_is_cut_at_300_characters() {
    let (_real, _fake, server) = start(&[Behavior::RespondWithLongError]).await;
    let id = server.order_bankid().await;
    server.run_background_tasks().await;
    let test = server.show(&id).await;
    let reason = test["scheduling"]["lastError"].as_str().unwrap();
    assert!(reason.contains("no room") && reason.ends_with('…'), "{reason}");
    assert_eq!(reason.chars().count(), 301);
}

#[tokio::test]
async fn three_hundred_requests_are_handed_over_once_each() {
    let server = TestServer::start().await;
    let orders: Vec<Value> =
        (0..300).map(|number| json!({ "title": number.to_string() })).collect();
    for response in join_all(orders.iter().map(|order| server.order(order))).await {
        response.expect(201);
    }
    server.run_background_tasks().await;
    let items = server.list().await;
    let scheduled = items.iter().filter(|item| item["type"] == "challenge").count();
    assert_eq!((scheduled, challenge_count(&server).await), (300, 300));
}

#[tokio::test]
async fn a_request_leased_by_a_scheduler_that_died_is_taken_over_when_the_lease_expires() {
    let server = TestServer::start().await;
    let id = server.order_bankid().await;
    server.expire_leases();
    assert_eq!(lease_due(&server, "dead").await.len(), 1);
    server.advance(Duration::from_millis(19_999));
    server.run_background_tasks().await;
    assert_eq!(server.show(&id).await["status"], "pending");
    server.advance(Duration::from_millis(1));
    server.run_background_tasks().await;
    assert_attempts(&server.show(&id).await, "scheduled", 1);
}

#[test]
fn a_lease_and_the_next_look_at_the_table_take_less_than_30_seconds() {
    let lease = server::Limits::default().hand_over * 2;
    assert!(lease + Duration::from_secs(1) < Duration::from_secs(30));
}

#[tokio::test]
async fn a_new_request_is_leased_by_the_scheduler_of_its_own_server() {
    let server = TestServer::start().await;
    let id = server.order_bankid().await;
    assert!(lease_due(&server, "another").await.is_empty());
    server.run_background_tasks().await;
    assert_attempts(&server.show(&id).await, "scheduled", 1);
}

#[tokio::test]
async fn a_request_is_leased_anew_if_the_attempt_could_outlast_the_lease() {
    let server = TestServer::start().await;
    let id = server.order_bankid().await;
    // A lease lasts for 20 seconds, an attempt for up to 10.
    server.advance(Duration::from_millis(10_001));
    server.run_background_tasks().await;
    server.run_background_tasks().await;
    assert_attempts(&server.show(&id).await, "scheduled", 1);
    assert_eq!(challenge_count(&server).await, 1);
}

#[tokio::test]
async fn a_scheduler_that_lost_its_lease_cannot_change_the_request() {
    let server = TestServer::start().await;
    let id = server.order_bankid().await;
    server.expire_leases();
    let leased = lease_due(&server, "slow").await;
    server.expire_leases();
    server.run_background_tasks().await;
    let write = FinishHandOver {
        key: leased[0].clone(),
        holder: "slow".into(),
        now: server.now(),
        status: domain::challenge_request::Status::Failed,
        end: HandOverEnd::Failed { error: "too late".into(), recall_at: server.now() },
    };
    let finished =
        server.with_store(async |store, _| store.finish_hand_overs(vec![write]).await).await;
    assert!(matches!(finished[..], [Ok(false)]), "{finished:?}");
    assert_attempts(&server.show(&id).await, "scheduled", 1);
}

#[tokio::test]
async fn a_new_request_is_scheduled_without_waiting_for_the_next_look_at_the_table() {
    let server = TestServer::start_with_periodic_tasks(|config| {
        config.limits.hand_over_period = Duration::from_hours(1);
    })
    .await;
    // The first look at the table, at the start, is over once a request is scheduled.
    for _ in 0..3 {
        let id = server.order_bankid().await;
        eventually("the request is scheduled", async || {
            server.show(&id).await["status"] == "scheduled"
        })
        .await;
    }
}
