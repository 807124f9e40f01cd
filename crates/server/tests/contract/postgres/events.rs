//! An app's events, written and followed by several servers at once.

use std::collections::HashMap;
use std::time::Duration;

use domain::Timestamp;
use domain::challenge::{Challenge, Watch};
use domain::report::ProviderRow;
use futures_util::future::join_all;
use serde_json::{Value, json};
use store_workspace::{ListFilter, RecordObservation};

use super::replicas::pair;
use crate::events::{EVENTS, begun, follow};
use crate::support::{TESTS, Tables, TestServer};

async fn order(site: &TestServer) -> String {
    let order = json!({ "title": "BankID", "providerIds": ["bankidse"], "maxStamps": 3 });
    site.order(&order).await.expect(201)["id"].as_str().unwrap().to_owned()
}

/// What was written down: number and name of each event, in the order of the numbers.
async fn written(site: &TestServer) -> Vec<(u64, String)> {
    let sql = "SELECT sequence, name FROM events ORDER BY sequence";
    let text = |value: &Option<String>| value.clone().unwrap();
    let rows = site.ground().rows(Tables::Connect, sql).await;
    rows.iter().map(|row| (text(&row[0]).parse().unwrap(), text(&row[1]))).collect()
}

#[tokio::test]
async fn whoever_comes_back_again_and_again_misses_nothing_while_two_servers_write() {
    let sites = pair().await;
    let orders = join_all((0..300).map(|number| order(&sites[number % 2]))).await;
    let write = async {
        let hand_over = join_all(sites.iter().map(TestServer::round));
        let cancel = join_all((0..100).map(|number| {
            let (site, id) = (&sites[number % 2], &orders[number]);
            async move { site.post(&format!("{TESTS}/{id}/cancel")).send().await.expect(200) }
        }));
        tokio::join!(hand_over, cancel);
        // What was scheduled before it was cancelled is told of now.
        sites[0].round().await;
        sites[0].round().await;
    };
    let follow = async {
        let mut last = "0".to_owned();
        let mut arrived = Vec::new();
        while arrived.len() < 300 {
            let from = &sites[arrived.len() % 2];
            let mut following = begun(from.get(EVENTS).header("Last-Event-ID", &last)).await;
            let seen = async {
                let event = following.event().await;
                (following.last_id.clone(), event)
            };
            // A stream that says nothing for a while is left, as an impatient follower would.
            let seen = tokio::time::timeout(Duration::from_millis(20), seen).await;
            if let Ok((id, event)) = seen {
                arrived.push((id.parse().unwrap(), event["event"].as_str().unwrap().to_owned()));
                last = id;
            }
        }
        arrived
    };
    let ((), arrived): ((), Vec<(u64, String)>) = tokio::join!(write, follow);
    let written = written(&sites[0]).await;
    assert_eq!(arrived, written[..300]);
    let numbers: Vec<u64> = written.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=written.len() as u64).collect::<Vec<_>>(), "without a gap");
    let ended = |name: &str| written.iter().filter(|(_, other)| other.ends_with(name)).count();
    assert_eq!((ended("cancelled"), ended("failed")), (100, 0));
    let sql = "SELECT COUNT(*) FROM challenge_requests WHERE status = 'scheduled'";
    let scheduled = sites[0].ground().value(Tables::Connect, sql).await.unwrap();
    assert_eq!(ended("scheduled").to_string(), scheduled);
}

#[tokio::test]
async fn schedulers_that_look_at_the_same_moment_tell_of_each_stamp_once() {
    let sites = pair().await;
    join_all((0..10).map(|_| order(&sites[0]))).await;
    sites[0].round().await;
    let workspace = sites[0].demo_workspace().await;
    let client = "FK5b0KSM".parse().unwrap();
    sites[0]
        .database(async |one, clock_and_rng| {
            let listed =
                one.challenge_requests(&workspace, &client, ListFilter::default()).await.unwrap();
            let challenges: Vec<Challenge> =
                listed.requests.into_iter().filter_map(|request| request.challenge).collect();
            sites[1]
                .database(async |other, _| {
                    for claims in [1, 2, 1, 3, 2, 3] {
                        let looks = (0..80).map(|number| {
                            let (store, challenge) =
                                ([&one, &other][number % 2], &challenges[number / 8]);
                            store.record_observation(look(challenge, claims, clock_and_rng.now()))
                        });
                        assert!(join_all(looks).await.iter().all(Result::is_ok));
                    }
                })
                .await;
        })
        .await;
    let written = written(&sites[0]).await;
    let count = |name: &str| written.iter().filter(|(_, other)| other.ends_with(name)).count();
    assert_eq!((count("stamp_claimed"), count("completed"), written.len()), (30, 10, 50));
    let mut following = begun(sites[0].get(EVENTS).header("Last-Event-ID", "0")).await;
    let mut totals = HashMap::<Value, Vec<Value>>::new();
    for _ in 0..50 {
        let event = following.event().await;
        totals
            .entry(event["data"]["challengeId"].clone())
            .or_default()
            .push(event["data"]["totalClaims"].clone());
    }
    for of_challenge in totals.values() {
        assert_eq!(*of_challenge, [json!(null), json!(1), json!(2), json!(3), json!(3)]);
    }
}

/// What a scheduler sees of a challenge with three stamps when so many of them are granted.
fn look(challenge: &Challenge, claim_count: u64, now: Timestamp) -> RecordObservation {
    let challenge =
        Challenge { completed_at: (claim_count == 3).then_some(now), ..challenge.clone() };
    let provider_id = "bankidse".parse().unwrap();
    let providers =
        vec![ProviderRow { provider_id, claim_count, average_completion_seconds: None }];
    RecordObservation { challenge, providers: Some(providers), now, watch: Watch::Polled }
}

#[tokio::test]
async fn what_one_process_does_is_told_by_another() {
    let roles = |roles: &'static str| {
        move |config: &mut server::Config| {
            config.background = server::Background::Periodic;
            config.roles = roles.parse().unwrap();
        }
    };
    let api = TestServer::configured(roles("api,tpas")).await;
    let _scheduler = api.replica(2, roles("scheduler,tpas")).await;
    let other_api = api.replica(3, roles("api,tpas")).await;
    let mut followings = [follow(&api).await, follow(&other_api).await];
    let id = order(&api).await;
    for following in &mut followings {
        assert_eq!(following.events(1).await, [json!(["scheduled", null])]);
    }
    api.post(&format!("{TESTS}/{id}/cancel")).send().await.expect(200);
    for following in &mut followings {
        assert_eq!(following.events(1).await, [json!(["cancelled", 0])]);
    }
}
