//! §7: the events of an app's production tests.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fake_challenge_service::{Behavior, FakeChallengeService};
use crate::support::{EventStream, Store, TestServer, id_of, tests_of};

pub(crate) const EVENTS: &str = "/connect/v1/apps/FK5b0KSM/production-tests/events";

/// Opens a stream of the demo's app, which begins with the next event.
pub(crate) async fn open_stream(server: &TestServer) -> EventStream {
    server.get(EVENTS).open_stream().await.opening().await
}

/// Opens a stream of the demo's app, which begins after the event with this id.
pub(crate) async fn resume_stream(
    server: &TestServer,
    last_id: impl std::fmt::Display,
) -> EventStream {
    let request = server.get(EVENTS).header("Last-Event-ID", last_id.to_string());
    request.open_stream().await.opening().await
}

/// Orders a test; the id of the request.
pub(crate) async fn order(server: &TestServer, max_stamps: u32) -> String {
    let order =
        json!({ "title": "BankID", "providerIds": ["bankidse", "mitid"], "maxStamps": max_stamps });
    id_of(&server.order(&order).await.expect(201)).to_owned()
}

/// Orders a test and hands it over; the id of the challenge.
async fn order_and_schedule(server: &TestServer, max_stamps: u32) -> String {
    let request = order(server, max_stamps).await;
    server.run_background_tasks().await;
    request.replace("req_", "ch_")
}

/// Orders a test and cancels it, which is one event; the id of the request.
pub(crate) async fn order_and_cancel(server: &TestServer) -> String {
    let request = order(server, 1).await;
    server.cancel(&request).await.expect(200);
    request
}

async fn stored_events(server: &TestServer) -> usize {
    server.database().count(Store::Workspace, "events").await
}

#[tokio::test]
async fn a_test_has_an_event_when_it_is_scheduled_at_each_stamp_and_when_it_completes() {
    let server = TestServer::start().await;
    let mut stream = open_stream(&server).await;
    let request = order(&server, 2).await;
    server.run_background_tasks().await;
    let scheduled = stream.next_event().await;
    let event_id = scheduled["eventId"].as_str().unwrap();
    assert!(event_id.starts_with("evt_"), "{scheduled}");
    let challenge = request.replace("req_", "ch_");
    let expected = json!({
        "event": "production_test.scheduled",
        "eventId": event_id,
        "timestamp": "2026-04-08T10:00:00.000Z",
        "apiVersion": "v1",
        "clientId": "FK5b0KSM",
        "data": { "requestId": request, "challengeId": challenge },
    });
    assert_eq!(scheduled, expected);

    server.join_and_verify(&challenge, "mitid", "Ada").await;
    server.run_background_tasks().await;
    server.advance(Duration::from_secs(1));
    server.join_and_verify(&challenge, "bankidse", "Bo").await;
    server.run_background_tasks().await;
    let stamp = stream.next_event().await;
    assert_eq!(stamp["event"], "production_test.stamp_claimed");
    let expected = json!({ "requestId": request, "challengeId": challenge, "providerId": "mitid",
        "totalClaims": 1, "maxStampClaims": 2 });
    assert_eq!(stamp["data"], expected);
    assert_eq!(stream.next_event().await["data"]["providerId"], "bankidse");

    let completed = stream.next_event().await;
    assert_eq!(completed["event"], "production_test.completed");
    assert_eq!(completed["timestamp"], "2026-04-08T10:00:01.000Z");
    let expected = json!({ "requestId": request, "challengeId": challenge, "totalClaims": 2,
        "maxStampClaims": 2 });
    assert_eq!(completed["data"], expected);
    server.advance(Duration::from_hours(24 * 6));
    server.run_background_tasks().await;
    assert_eq!(stored_events(&server).await, 4, "each event is recorded once");
    assert_eq!(stream.last_id, "4");
}

#[tokio::test]
async fn a_failed_test_has_an_event_with_the_reason_and_another_after_each_failed_retry() {
    let fake = FakeChallengeService::start(&[Behavior::Refuse(422)]).await;
    let server = fake.server().await;
    let mut stream = open_stream(&server).await;
    let request = order(&server, 1).await;
    server.run_background_tasks().await;
    let first = stream.next_event().await;
    assert_eq!(first["event"], "production_test.failed");
    assert_eq!(first["data"]["challengeId"], Value::Null);
    let reason = server.show(&request).await["scheduling"]["lastError"].clone();
    assert!(reason.as_str().unwrap().contains("422"), "{reason}");
    assert_eq!(first["data"]["reason"], reason);
    server.retry(&request).await.expect(200);
    server.run_background_tasks().await;
    let second = stream.next_event().await;
    assert_eq!(second["data"], first["data"]);
    assert_ne!(second["eventId"], first["eventId"]);
}

#[tokio::test]
async fn a_postponed_attempt_is_no_event() {
    let fake = FakeChallengeService::start(&[Behavior::Respond(503, "")]).await;
    let server = fake.server().await;
    let request = order(&server, 1).await;
    server.run_background_tasks().await;
    assert_eq!(server.show(&request).await["scheduling"]["attempts"], 1);
    assert_eq!(stored_events(&server).await, 0);
}

#[tokio::test]
async fn a_cancelled_test_has_one_event_whether_it_was_pending_or_running() {
    let server = TestServer::start().await;
    let mut stream = open_stream(&server).await;
    let pending = order_and_cancel(&server).await;
    server.cancel(&pending).await.expect(200);
    server.run_background_tasks().await;
    let event = stream.next_event().await;
    assert_eq!(event["event"], "production_test.cancelled");
    assert_eq!(event["data"], json!({ "requestId": pending, "challengeId": null }));

    let running = order_and_schedule(&server, 3).await;
    server.join_and_verify(&running, "bankidse", "Ada").await;
    for _ in 0..2 {
        server.cancel(&running).await.expect(200);
    }
    for _ in 0..2 {
        server.run_background_tasks().await;
    }
    let expected =
        [json!(["scheduled", null]), json!(["stamp_claimed", 1]), json!(["cancelled", 1])];
    assert_eq!(stream.next_events(3).await, expected);
    assert_eq!(stored_events(&server).await, 4);
}

#[tokio::test]
async fn an_expired_test_has_one_event_after_those_of_its_last_stamps() {
    let service = TestServer::start().await;
    let server = TestServer::start_beside(&service).await;
    let mut stream = open_stream(&server).await;
    let challenge = order_and_schedule(&server, 3).await;
    assert_eq!(stream.next_events(1).await, [json!(["scheduled", null])]);
    service.join_and_verify(&challenge, "bankidse", "Ada").await;
    for hours in [24 * 8, 1, 24] {
        for each in [&service, &server] {
            each.advance(Duration::from_hours(hours));
            each.run_background_tasks().await;
        }
    }
    let expected = [json!(["stamp_claimed", 1]), json!(["expired", 1])];
    assert_eq!(stream.next_events(2).await, expected);
    assert_eq!(stored_events(&server).await, 2, "the first was pruned, the others recorded once");
}

#[tokio::test]
async fn stamps_at_a_remote_challenge_service_are_observed_with_one_call_for_each_challenge() {
    let service = TestServer::start().await;
    let fake = FakeChallengeService::in_front_of(&service, &[Behavior::Forward]).await;
    let server = fake.server().await;
    let mut stream = open_stream(&server).await;
    let challenge = order_and_schedule(&server, 3).await;
    let before = fake.request_count();
    for person in ["Ada", "Bo"] {
        service.join_and_verify(&challenge, "bankidse", person).await;
    }
    server.advance(Duration::from_secs(2));
    server.run_background_tasks().await;
    let expected =
        [json!(["scheduled", null]), json!(["stamp_claimed", 1]), json!(["stamp_claimed", 2])];
    assert_eq!(stream.next_events(3).await, expected);
    assert_eq!(fake.request_count(), before + 1);
}

#[tokio::test]
async fn three_hundred_stamps_observed_at_once_have_an_event_each_before_the_completion() {
    let service = TestServer::start().await;
    let server = TestServer::start_beside(&service).await;
    let challenge = order_and_schedule(&server, 300).await;
    for person in 0..300 {
        service.join_and_verify(&challenge, "bankidse", &format!("person {person}")).await;
    }
    server.advance(Duration::from_secs(2));
    server.run_background_tasks().await;
    let mut stream = resume_stream(&server, 0).await;
    assert_eq!(stream.next_events(1).await, [json!(["scheduled", null])]);
    let stamps: Vec<Value> = (1..=300).map(|total| json!(["stamp_claimed", total])).collect();
    assert_eq!(stream.next_events(300).await, stamps);
    assert_eq!(stream.next_events(1).await, [json!(["completed", 300])]);
}

#[tokio::test]
async fn a_new_stream_begins_with_the_next_event_and_says_after_which_id() {
    let server = TestServer::start().await;
    order_and_cancel(&server).await;
    let mut stream = open_stream(&server).await;
    assert_eq!(stream.last_id, "1", "the client can resume even before the first event");
    let next = order_and_cancel(&server).await;
    server.run_background_tasks().await;
    assert_eq!(stream.next_event().await["data"]["requestId"], next);
}

#[tokio::test]
async fn a_stream_resumes_after_the_last_event_that_arrived_even_after_a_restart() {
    let server = TestServer::start().await;
    let mut requests = Vec::new();
    for _ in 0..4 {
        requests.push(order_and_cancel(&server).await);
    }
    let server = server.restart(|_| {}).await;
    for last in 0..4 {
        let mut stream = resume_stream(&server, last).await;
        for request in &requests[last..] {
            assert_eq!(stream.next_event().await["data"]["requestId"], *request);
        }
        assert_eq!(stream.last_id, "4");
    }
    let mut stream = resume_stream(&server, 4).await;
    let request = order_and_cancel(&server).await;
    server.run_background_tasks().await;
    assert_eq!(stream.next_event().await["data"]["requestId"], request);
}

#[tokio::test]
async fn more_events_than_a_page_has_arrive_in_order() {
    let server = TestServer::start().await;
    for _ in 0..250 {
        order(&server, 1).await;
    }
    let mut stream = open_stream(&server).await;
    server.run_background_tasks().await;
    for number in 1..=250 {
        stream.next_event().await;
        assert_eq!(stream.last_id, number.to_string());
    }
}

#[tokio::test]
async fn a_malformed_last_event_id_is_refused() {
    let server = TestServer::start().await;
    for id in ["", "x", "-1", "01", "1.0", " ", "9223372036854775808", "evt_1"] {
        let refused = server.get(EVENTS).header("Last-Event-ID", id).send().await;
        let error = refused.expect_error(400, "VALIDATION_INVALID_PARAMETER");
        assert_eq!(error["details"]["parameter"], "Last-Event-ID", "{id}");
    }
    let twice = server.get(EVENTS).header("Last-Event-ID", "0").header("Last-Event-ID", "0");
    twice.send().await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
}

#[tokio::test]
async fn a_stream_cannot_resume_after_an_event_that_was_pruned_or_never_recorded() {
    let server = TestServer::start().await;
    order_and_cancel(&server).await;
    server.advance(Duration::from_hours(7 * 24));
    server.run_background_tasks().await;
    assert_eq!(stored_events(&server).await, 1, "an event is stored for seven days");
    let second = order_and_cancel(&server).await;
    server.advance(Duration::from_millis(1));
    server.run_background_tasks().await;
    assert_eq!(stored_events(&server).await, 1);
    // 0 precedes the event that was pruned. 3 was never recorded, as after a restored backup.
    for last in ["0", "3"] {
        let refused = server.get(EVENTS).header("Last-Event-ID", last).send().await;
        let error = refused.expect_error(409, "RESOURCE_CONFLICT");
        assert_eq!(error["details"]["resumeAfter"], "1", "{last}");
    }
    let mut stream = resume_stream(&server, 1).await;
    assert_eq!(stream.next_event().await["data"]["requestId"], second);
}

#[tokio::test]
async fn a_key_reads_events_of_its_own_workspace_and_each_app_numbers_its_own() {
    let server = TestServer::start().await;
    let reader = server.read_only_key().await;
    let (workspace, stranger) = server.create_workspace().await;
    server.create_app(&workspace, "OtherApp", &["bankidse"]).await;
    let events = |key: &str| server.request("GET", EVENTS).bearer(key);
    server.request("GET", EVENTS).send().await.expect_error(401, "AUTH_INVALID_CREDENTIALS");
    events(&stranger).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    // The app is checked before the header.
    let unknown_app = server.get(&format!("{}/events", tests_of("00000000")));
    let unknown_app = unknown_app.header("Last-Event-ID", "x");
    unknown_app.send().await.expect_error(404, "RESOURCE_NOT_FOUND");

    let mut ours = events(&reader).open_stream().await.opening().await;
    let their_events = format!("{}/events", tests_of("OtherApp"));
    let their_events = server.request("GET", &their_events).bearer(&stranger);
    let mut theirs = their_events.open_stream().await.opening().await;
    let our_request = order_and_cancel(&server).await;
    let their_order = server.request("POST", &tests_of("OtherApp")).bearer(&stranger);
    let their_request = their_order.json(&json!({ "title": "x" })).send().await.expect(201);
    server.run_background_tasks().await;
    assert_eq!(ours.next_event().await["data"]["requestId"], our_request);
    let event = theirs.next_event().await;
    assert_eq!(event["data"]["requestId"], their_request["id"]);
    assert_eq!(event["clientId"], "OtherApp");
    assert_eq!((&*ours.last_id, &*theirs.last_id), ("1", "1"));
}

#[tokio::test]
async fn events_arrive_as_they_happen() {
    let server = TestServer::start_with_periodic_tasks(|_| {}).await;
    let mut stream = open_stream(&server).await;
    let challenge = order(&server, 1).await.replace("req_", "ch_");
    assert_eq!(stream.next_events(1).await, [json!(["scheduled", null])]);
    server.join_and_verify(&challenge, "bankidse", "Ada").await;
    let expected = [json!(["stamp_claimed", 1]), json!(["completed", 1])];
    assert_eq!(stream.next_events(2).await, expected);
}
