//! Events that several servers record and stream at once.

use std::collections::HashMap;
use std::time::Duration;

use domain::Timestamp;
use domain::challenge::{Challenge, Watch};
use domain::report::ProviderRow;
use futures_util::future::join_all;
use serde_json::{Value, json};
use store_workspace::{ListFilter, RecordObservation};

use super::start_two;
use crate::events::{open_stream, order, resume_stream};
use crate::support::{Store, TestServer};

/// The number and the name of each event, in the order of the numbers.
async fn stored_events(server: &TestServer) -> Vec<(u64, String)> {
    let sql = "SELECT sequence, name FROM events ORDER BY sequence";
    let text = |value: &Option<String>| value.clone().unwrap();
    let rows = server.database().rows(Store::Workspace, sql).await;
    rows.iter().map(|row| (text(&row[0]).parse().unwrap(), text(&row[1]))).collect()
}

/// Reads this many events of both servers in turn, with a new stream for each event.
async fn read_events(servers: &[TestServer; 2], count: usize) -> Vec<(u64, String)> {
    let mut last = "0".to_owned();
    let mut arrived = Vec::new();
    while arrived.len() < count {
        let mut stream = resume_stream(&servers[arrived.len() % 2], &last).await;
        let next = async {
            let event = stream.next_event().await;
            (stream.last_id.clone(), event)
        };
        // A client that gives up on a silent stream must not miss events either.
        if let Ok((id, event)) = tokio::time::timeout(Duration::from_millis(20), next).await {
            arrived.push((id.parse().unwrap(), event["event"].as_str().unwrap().to_owned()));
            last = id;
        }
    }
    arrived
}

#[tokio::test]
async fn a_client_that_reconnects_for_each_event_misses_none_while_two_servers_record_them() {
    let servers = start_two().await;
    let orders = join_all((0..300).map(|number| order(&servers[number % 2], 3))).await;
    let record = async {
        let hand_over = join_all(servers.iter().map(TestServer::run_background_tasks));
        let cancel = join_all((0..100).map(|number| {
            let (server, id) = (&servers[number % 2], &orders[number]);
            async move { server.cancel(id).await.expect(200) }
        }));
        tokio::join!(hand_over, cancel);
        // Observes those that were scheduled before they were cancelled.
        servers[0].run_background_tasks().await;
        servers[0].run_background_tasks().await;
    };
    let ((), arrived) = tokio::join!(record, read_events(&servers, 300));
    let stored = stored_events(&servers[0]).await;
    assert_eq!(arrived, stored[..300]);
    let numbers: Vec<u64> = stored.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=stored.len() as u64).collect::<Vec<_>>(), "without a gap");
    let count = |name: &str| stored.iter().filter(|(_, other)| other.ends_with(name)).count();
    assert_eq!((count("cancelled"), count("failed")), (100, 0));
    let scheduled = "challenge_requests WHERE status = 'scheduled'";
    let scheduled = servers[0].database().count(Store::Workspace, scheduled).await;
    assert_eq!(count("scheduled"), scheduled);
}

/// What a scheduler observes of a challenge with three stamps when this many are claimed.
fn observation(challenge: &Challenge, claim_count: u64, now: Timestamp) -> RecordObservation {
    let completed_at = (claim_count == 3).then_some(now);
    let challenge = Challenge { completed_at, ..challenge.clone() };
    let provider_id = "bankidse".parse().unwrap();
    let providers =
        vec![ProviderRow { provider_id, claim_count, average_completion_seconds: None }];
    RecordObservation { challenge, providers: Some(providers), now, watch: Watch::Polled }
}

/// Records observations of the demo's challenges as two schedulers do: each number of claims eight
/// times at once.
async fn observe_simultaneously(servers: &[TestServer; 2], claim_counts: &[u64]) {
    let workspace = servers[0].demo_workspace().await;
    let client = "FK5b0KSM".parse().unwrap();
    let with_stores = servers[0].with_store(async |one, clock_and_rng| {
        let filter = ListFilter::default();
        let listed = one.challenge_requests(&workspace, &client, filter).await.unwrap();
        let challenges: Vec<Challenge> =
            listed.requests.into_iter().filter_map(|request| request.challenge).collect();
        let with_other_store = servers[1].with_store(async |other, _| {
            for claims in claim_counts {
                let observations = (0..challenges.len() * 8).map(|number| {
                    let store = [&one, &other][number % 2];
                    let challenge = &challenges[number / 8];
                    let write = observation(challenge, *claims, clock_and_rng.now());
                    store.record_observation(write)
                });
                for result in join_all(observations).await {
                    result.unwrap();
                }
            }
        });
        with_other_store.await;
    });
    with_stores.await;
}

#[tokio::test]
async fn a_stamp_observed_by_several_schedulers_at_once_has_one_event() {
    let servers = start_two().await;
    join_all((0..10).map(|_| order(&servers[0], 3))).await;
    servers[0].run_background_tasks().await;
    observe_simultaneously(&servers, &[1, 2, 1, 3, 2, 3]).await;
    let stored = stored_events(&servers[0]).await;
    let count = |name: &str| stored.iter().filter(|(_, other)| other.ends_with(name)).count();
    assert_eq!((count("stamp_claimed"), count("completed"), stored.len()), (30, 10, 50));
    let mut stream = resume_stream(&servers[0], 0).await;
    let mut totals = HashMap::<Value, Vec<Value>>::new();
    for _ in 0..50 {
        let data = stream.next_event().await["data"].clone();
        let of_challenge = totals.entry(data["challengeId"].clone()).or_default();
        of_challenge.push(data["totalClaims"].clone());
    }
    assert_eq!(totals.len(), 10);
    for of_challenge in totals.values() {
        assert_eq!(*of_challenge, [json!(null), json!(1), json!(2), json!(3), json!(3)]);
    }
}

#[tokio::test]
async fn an_event_recorded_by_one_server_is_streamed_by_all() {
    let with_roles = |roles: &'static str| {
        move |config: &mut server::Config| {
            config.background = server::Background::Periodic;
            config.roles = roles.parse().unwrap();
        }
    };
    let api = TestServer::start_with(with_roles("api,tpas")).await;
    let _scheduler = api.replica(2, with_roles("scheduler,tpas")).await;
    let other_api = api.replica(3, with_roles("api,tpas")).await;
    let mut streams = [open_stream(&api).await, open_stream(&other_api).await];
    let id = order(&api, 3).await;
    for stream in &mut streams {
        assert_eq!(stream.next_events(1).await, [json!(["scheduled", null])]);
    }
    api.cancel(&id).await.expect(200);
    for stream in &mut streams {
        assert_eq!(stream.next_events(1).await, [json!(["cancelled", 0])]);
    }
}
