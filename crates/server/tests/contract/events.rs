//! §7: following an app's production tests.

use std::time::Duration;

use domain::api_key::Access;
use serde_json::{Value, json};

use crate::support::fake_service::{FakeService, Reaction};
use crate::support::{Call, Following, TESTS, Tables, TestServer};

pub(crate) const EVENTS: &str = "/connect/v1/apps/FK5b0KSM/production-tests/events";

/// Follows the demo's app from now on; what comes from now on is in it.
pub(crate) async fn follow(site: &TestServer) -> Following {
    begun(site.get(EVENTS)).await
}

async fn follow_after(site: &TestServer, last: impl std::fmt::Display) -> Following {
    begun(site.get(EVENTS).header("Last-Event-ID", last.to_string())).await
}

/// Opens a stream, up to the first thing that it says.
pub(crate) async fn begun(call: Call) -> Following {
    let mut following = call.follow().await;
    let opening = following.block().await.unwrap();
    assert_eq!(opening, ["retry: 2000".to_owned(), format!("id: {}", following.last_id)]);
    following
}

pub(crate) async fn order(site: &TestServer, max_stamps: u32) -> String {
    let order =
        json!({ "title": "BankID", "providerIds": ["bankidse", "mitid"], "maxStamps": max_stamps });
    site.order(&order).await.expect(201)["id"].as_str().unwrap().to_owned()
}

async fn scheduled(site: &TestServer, max_stamps: u32) -> String {
    let request = order(site, max_stamps).await;
    site.round().await;
    request.replace("req_", "ch_")
}

pub(crate) async fn cancel(site: &TestServer, id: &str) {
    site.post(&format!("{TESTS}/{id}/cancel")).send().await.expect(200);
}

/// A real challenge service, and a site that uses it over HTTP.
async fn apart() -> (TestServer, TestServer) {
    let service = TestServer::start().await;
    let url = service.url.clone();
    let site = TestServer::configured(move |config| config.tpas_url = Some(url)).await;
    (service, site)
}

async fn kept(site: &TestServer) -> String {
    site.ground().value(Tables::Connect, "SELECT COUNT(*) FROM events").await.unwrap()
}

#[tokio::test]
async fn a_test_that_completes_is_told_of_from_the_beginning_to_the_end() {
    let site = TestServer::start().await;
    let mut following = follow(&site).await;
    let request = order(&site, 2).await;
    site.round().await;
    let first = following.event().await;
    let event_id = first["eventId"].as_str().unwrap();
    assert!(event_id.starts_with("evt_"), "{first}");
    let challenge = request.replace("req_", "ch_");
    assert_eq!(
        first,
        json!({
            "event": "production_test.scheduled",
            "eventId": event_id,
            "timestamp": "2026-04-08T10:00:00.000Z",
            "apiVersion": "v1",
            "clientId": "FK5b0KSM",
            "data": { "requestId": request, "challengeId": challenge },
        })
    );
    site.take_part(&challenge, "mitid", "Ada").await;
    site.round().await;
    site.advance(Duration::from_secs(1));
    site.take_part(&challenge, "bankidse", "Bo").await;
    site.round().await;
    let stamp = following.event().await;
    assert_eq!(
        (&stamp["event"], &stamp["data"]),
        (
            &json!("production_test.stamp_claimed"),
            &json!({ "requestId": request, "challengeId": challenge, "providerId": "mitid", "totalClaims": 1, "maxStampClaims": 2 })
        )
    );
    assert_eq!(following.event().await["data"]["providerId"], "bankidse");
    let last = following.event().await;
    assert_eq!(
        (&last["event"], &last["timestamp"]),
        (&json!("production_test.completed"), &json!("2026-04-08T10:00:01.000Z"))
    );
    assert_eq!(
        last["data"],
        json!({ "requestId": request, "challengeId": challenge, "totalClaims": 2, "maxStampClaims": 2 })
    );
    site.advance(Duration::from_hours(24 * 6));
    site.round().await;
    assert_eq!(
        (kept(&site).await.as_str(), following.last_id.as_str()),
        ("4", "4"),
        "nothing comes twice"
    );
}

#[tokio::test]
async fn a_failure_is_told_with_its_reason_and_a_retry_can_fail_again() {
    let fake = FakeService::start(None, &[Reaction::Status(422, "")]).await;
    let site = TestServer::configured(|config| config.tpas_url = Some(fake.url.clone())).await;
    let mut following = follow(&site).await;
    let request = order(&site, 1).await;
    site.round().await;
    let first = following.event().await;
    assert_eq!(
        (&first["event"], &first["data"]["challengeId"]),
        (&json!("production_test.failed"), &Value::Null)
    );
    let test = site.get(&format!("{TESTS}/{request}")).send().await.expect(200);
    assert_eq!(first["data"]["reason"], test["scheduling"]["lastError"]);
    site.post(&format!("{TESTS}/{request}/retry")).send().await.expect(200);
    site.round().await;
    let second = following.event().await;
    assert_eq!(second["data"], first["data"]);
    assert_ne!(second["eventId"], first["eventId"]);
}

#[tokio::test]
async fn an_attempt_that_is_postponed_is_no_event() {
    let fake = FakeService::start(None, &[Reaction::Status(503, "")]).await;
    let site = TestServer::configured(|config| config.tpas_url = Some(fake.url.clone())).await;
    order(&site, 1).await;
    site.round().await;
    assert_eq!(kept(&site).await, "0");
}

#[tokio::test]
async fn cancelling_is_told_once_of_a_pending_test_and_of_a_running_one() {
    let site = TestServer::start().await;
    let mut following = follow(&site).await;
    let pending = order(&site, 1).await;
    cancel(&site, &pending).await;
    cancel(&site, &pending).await;
    site.round().await;
    let event = following.event().await;
    assert_eq!(event["event"], "production_test.cancelled");
    assert_eq!(event["data"], json!({ "requestId": pending, "challengeId": null }));

    let running = scheduled(&site, 3).await;
    site.take_part(&running, "bankidse", "Ada").await;
    cancel(&site, &running).await;
    cancel(&site, &running).await;
    site.round().await;
    site.round().await;
    let events = following.events(3).await;
    assert_eq!(
        events,
        [json!(["scheduled", null]), json!(["stamp_claimed", 1]), json!(["cancelled", 1])]
    );
    assert_eq!(kept(&site).await, "4");
}

#[tokio::test]
async fn expiring_is_told_once_after_the_stamps_that_nobody_has_seen_yet() {
    let (service, site) = apart().await;
    let mut following = follow(&site).await;
    let challenge = scheduled(&site, 3).await;
    assert_eq!(following.events(1).await, [json!(["scheduled", null])]);
    service.take_part(&challenge, "bankidse", "Ada").await;
    for hours in [24 * 8, 1, 24] {
        for each in [&service, &site] {
            each.advance(Duration::from_hours(hours));
            each.round().await;
        }
    }
    assert_eq!(following.events(2).await, [json!(["stamp_claimed", 1]), json!(["expired", 1])]);
    assert_eq!(kept(&site).await, "2", "the first one is too old by now, and the others came once");
}

#[tokio::test]
async fn stamps_of_a_challenge_service_elsewhere_are_learned_of_by_looking_no_more_often_than_before()
 {
    let service = TestServer::start().await;
    let fake = FakeService::start(Some(service.url.clone()), &[Reaction::Forward]).await;
    let site = TestServer::configured(|config| config.tpas_url = Some(fake.url.clone())).await;
    let mut following = follow(&site).await;
    let challenge = scheduled(&site, 3).await;
    let before = fake.request_count();
    for person in ["Ada", "Bo"] {
        service.take_part(&challenge, "bankidse", person).await;
    }
    site.advance(Duration::from_secs(2));
    site.round().await;
    let events = following.events(3).await;
    assert_eq!(
        events,
        [json!(["scheduled", null]), json!(["stamp_claimed", 1]), json!(["stamp_claimed", 2])]
    );
    assert_eq!(fake.request_count(), before + 1, "one look, one call");
}

#[tokio::test]
async fn many_stamps_at_once_are_told_of_one_by_one_before_the_end() {
    let (service, site) = apart().await;
    let challenge = scheduled(&site, 300).await;
    for person in 0..300 {
        service.take_part(&challenge, "bankidse", &format!("person {person}")).await;
    }
    site.advance(Duration::from_secs(2));
    site.round().await;
    let mut following = follow_after(&site, 0).await;
    assert_eq!(following.events(1).await, [json!(["scheduled", null])]);
    let stamps: Vec<Value> = (1..=300).map(|total| json!(["stamp_claimed", total])).collect();
    assert_eq!(following.events(300).await, stamps);
    assert_eq!(following.events(1).await, [json!(["completed", 300])]);
}

#[tokio::test]
async fn a_stream_begins_with_what_happens_from_now_on() {
    let site = TestServer::start().await;
    let past = order(&site, 1).await;
    cancel(&site, &past).await;
    let mut following = follow(&site).await;
    assert_eq!(following.last_id, "1", "known before anything comes, in case it is cut off before");
    let next = order(&site, 1).await;
    cancel(&site, &next).await;
    site.round().await;
    assert_eq!(following.event().await["data"]["requestId"], next);
}

#[tokio::test]
async fn a_stream_goes_on_after_the_event_that_arrived_last_also_after_a_restart() {
    let site = TestServer::start().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        let id = order(&site, 1).await;
        cancel(&site, &id).await;
        ids.push(id);
    }
    let site = site.restart(|_| {}).await;
    for last in 0..4 {
        let mut following = follow_after(&site, last).await;
        for id in &ids[last..] {
            assert_eq!(following.event().await["data"]["requestId"], *id);
        }
        assert_eq!(following.last_id, "4");
    }
    let mut following = follow_after(&site, 4).await;
    let id = order(&site, 1).await;
    cancel(&site, &id).await;
    site.round().await;
    assert_eq!(following.event().await["data"]["requestId"], id);
}

#[tokio::test]
async fn more_than_a_page_comes_in_order() {
    let site = TestServer::start().await;
    for _ in 0..250 {
        order(&site, 1).await;
    }
    let mut following = follow(&site).await;
    site.round().await;
    for number in 1..=250 {
        following.event().await;
        assert_eq!(following.last_id, number.to_string());
    }
}

#[tokio::test]
async fn an_id_that_is_none_is_refused() {
    let site = TestServer::start().await;
    for id in ["", "x", "-1", "01", "1.0", " ", "9223372036854775808", "evt_1"] {
        let refused = site.get(EVENTS).header("Last-Event-ID", id).send().await;
        let error = refused.expect_error(400, "VALIDATION_INVALID_PARAMETER");
        assert_eq!(error["details"]["parameter"], "Last-Event-ID", "{id}");
    }
    let twice =
        site.get(EVENTS).header("Last-Event-ID", "0").header("Last-Event-ID", "0").send().await;
    twice.expect_error(400, "VALIDATION_INVALID_PARAMETER");
}

#[tokio::test]
async fn after_a_gap_a_stream_does_not_go_on_as_if_nothing_were_missing() {
    let site = TestServer::start().await;
    let first = order(&site, 1).await;
    cancel(&site, &first).await;
    site.advance(Duration::from_hours(7 * 24));
    site.round().await;
    assert_eq!(kept(&site).await, "1", "kept for seven days");
    let second = order(&site, 1).await;
    cancel(&site, &second).await;
    site.advance(Duration::from_millis(1));
    site.round().await;
    let gone = site
        .get(EVENTS)
        .header("Last-Event-ID", "0")
        .send()
        .await
        .expect_error(409, "RESOURCE_CONFLICT");
    assert_eq!(gone["details"]["resumeAfter"], "1");
    let mut following = follow_after(&site, "1").await;
    assert_eq!(following.event().await["data"]["requestId"], second);
    // One that has never been: the database was restored, say.
    let future = site
        .get(EVENTS)
        .header("Last-Event-ID", "3")
        .send()
        .await
        .expect_error(409, "RESOURCE_CONFLICT");
    assert_eq!(future["details"]["resumeAfter"], "1");
}

#[tokio::test]
async fn each_workspace_follows_its_own_apps_only_and_reading_is_enough() {
    let site = TestServer::start().await;
    let read_only =
        site.key(&site.demo_workspace().await, |key| key.access = Access::ReadOnly).await;
    let (workspace, key) = site.workspace().await;
    site.app(&workspace, "OtherApp", &["bankidse"]).await;
    site.call("GET", EVENTS).send().await.expect_error(401, "AUTH_INVALID_CREDENTIALS");
    site.call("GET", EVENTS).key(&key).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    let nobodys = EVENTS.replace("FK5b0KSM", "00000000");
    site.get(&nobodys)
        .header("Last-Event-ID", "x")
        .send()
        .await
        .expect_error(404, "RESOURCE_NOT_FOUND");

    let mut ours = begun(site.call("GET", EVENTS).key(&read_only)).await;
    let mut theirs =
        begun(site.call("GET", &EVENTS.replace("FK5b0KSM", "OtherApp")).key(&key)).await;
    let id = order(&site, 1).await;
    cancel(&site, &id).await;
    let tests = TESTS.replace("FK5b0KSM", "OtherApp");
    let other =
        site.call("POST", &tests).key(&key).json(&json!({ "title": "x" })).send().await.expect(201);
    site.round().await;
    assert_eq!(ours.event().await["data"]["requestId"], id);
    let event = theirs.event().await;
    assert_eq!(
        (&event["data"]["requestId"], &event["clientId"]),
        (&other["id"], &json!("OtherApp"))
    );
    assert_eq!(
        (ours.last_id, theirs.last_id),
        ("1".into(), "1".into()),
        "each app counts for itself"
    );
}

#[tokio::test]
async fn what_happens_arrives_without_being_asked_for() {
    let site =
        TestServer::configured(|config| config.background = server::Background::Periodic).await;
    let mut following = follow(&site).await;
    let challenge = order(&site, 1).await.replace("req_", "ch_");
    assert_eq!(following.events(1).await, [json!(["scheduled", null])]);
    site.take_part(&challenge, "bankidse", "Ada").await;
    assert_eq!(following.events(2).await, [json!(["stamp_claimed", 1]), json!(["completed", 1])]);
}
