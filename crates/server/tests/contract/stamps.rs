//! §10: stamps, which go to those who are verified first.

use std::collections::HashMap;

use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};

use crate::support::{TestServer, completed, failed};

#[tokio::test]
async fn a_thousand_testers_of_a_challenge_with_ten_stamps_claim_exactly_ten() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "maxStamps": 10, "providerIds": ["bankidse"] });
    let challenge = server.order_and_schedule(&order).await;
    // All of them join before the first is verified.
    let joined: Vec<Value> = stream::iter(0..1000)
        .map(|_| async { server.join(&challenge, "bankidse").send().await.expect(201) })
        .buffer_unordered(64)
        .collect()
        .await;
    let statuses: Vec<String> = stream::iter(joined.iter().enumerate())
        .map(|(number, participation)| {
            let (server, outcome) = (&server, completed(&format!("person {number}")));
            async move { server.simulate(participation, &outcome).await }
        })
        .buffer_unordered(64)
        .collect()
        .await;

    let mut counts = HashMap::new();
    for status in &statuses {
        *counts.entry(status.as_str()).or_insert(0) += 1;
    }
    assert_eq!(counts, HashMap::from([("claimed", 10), ("missed", 990)]));
    let report = server.report(&challenge).await;
    assert_eq!(report["stats"]["totalParticipations"], 1000);
    assert_eq!(report["stats"]["totalClaims"], 10);
    assert_eq!(report["challenge"]["isActive"], false);
}

#[tokio::test]
async fn a_stamp_goes_to_the_first_to_be_verified_not_to_the_first_to_join() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x", "maxStamps": 1 })).await;
    let first_to_join = server.join(&challenge, "bankidse").send().await.expect(201);
    assert_eq!(server.join_and_verify(&challenge, "bankidse", "Grace").await, "claimed");
    assert_eq!(server.simulate(&first_to_join, &completed("Ada")).await, "missed");
}

#[tokio::test]
async fn a_person_has_one_stamp_for_each_provider_whatever_browser_they_use() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x", "maxStamps": 5 })).await;
    for (provider, person, expected) in [
        ("bankidse", "Ada", "claimed"),
        ("bankidse", "Ada", "duplicate"),
        ("mitid", "Ada", "claimed"),
        ("bankidse", "Grace", "claimed"),
    ] {
        assert_eq!(server.join_and_verify(&challenge, provider, person).await, expected);
    }
}

#[tokio::test]
async fn a_person_can_claim_every_stamp_where_duplicates_are_allowed() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "maxStamps": 2, "allowDuplicateParticipation": true });
    let challenge = server.order_and_schedule(&order).await;
    for _ in 0..2 {
        assert_eq!(server.join_and_verify(&challenge, "bankidse", "Ada").await, "claimed");
    }
    assert_eq!(server.report(&challenge).await["stats"]["totalClaims"], 2);
}

#[tokio::test]
async fn the_first_outcome_of_a_participation_is_final() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x", "maxStamps": 5 })).await;
    let participation = server.join(&challenge, "bankidse").send().await.expect(201);
    for outcome in [completed("Ada"), completed("Ada"), failed()] {
        assert_eq!(server.simulate(&participation, &outcome).await, "claimed");
    }
    assert_eq!(server.report(&challenge).await["stats"]["totalClaims"], 1);
}

#[tokio::test]
async fn a_closed_challenge_grants_no_stamps() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let participation = server.join(&challenge, "bankidse").send().await.expect(201);
    assert_eq!(server.close_challenge(&challenge).await["isActive"], false);
    assert_eq!(server.simulate(&participation, &completed("Ada")).await, "missed");
    server.run_background_tasks().await;
    assert_eq!(server.list().await[0]["challenge"]["isActive"], false);
}
