//! §10: stamps, first come, first served.

use std::collections::HashMap;

use futures_util::stream::{self, StreamExt};
use serde_json::json;

use crate::support::{SERVICE_TOKEN, TESTS, TestServer};

#[tokio::test]
async fn a_thousand_testers_at_a_challenge_of_ten_stamps_get_exactly_ten() {
    let site = TestServer::start().await;
    let challenge = site
        .challenge(&json!({ "title": "x", "maxStamps": 10, "providerIds": ["bankidse"] }))
        .await;
    // All of them have joined before the first is verified.
    let joined: Vec<String> = stream::iter(0..1000)
        .map(|_| async {
            site.join(&challenge, "bankidse").send().await.expect(201)["verificationUrl"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .buffer_unordered(64)
        .collect()
        .await;
    let outcomes: Vec<String> = stream::iter(joined.iter().enumerate())
        .map(|(number, url)| {
            let play = json!({ "outcome": "completed", "subject": format!("person {number}") });
            let site = &site;
            async move { site.simulate(url, &play).await }
        })
        .buffer_unordered(64)
        .collect()
        .await;

    let mut counts = HashMap::new();
    for outcome in &outcomes {
        *counts.entry(outcome.as_str()).or_insert(0) += 1;
    }
    assert_eq!(counts, HashMap::from([("claimed", 10), ("missed", 990)]));
    let report = site.get(&format!("{TESTS}/{challenge}/report")).send().await.expect(200);
    assert_eq!(
        (&report["stats"]["totalParticipations"], &report["stats"]["totalClaims"]),
        (&json!(1000), &json!(10))
    );
    assert_eq!(report["challenge"]["isActive"], false);
}

#[tokio::test]
async fn stamps_go_to_whoever_is_verified_first_not_to_whoever_joined_first() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x", "maxStamps": 1 })).await;
    let early = site.join(&challenge, "bankidse").send().await.expect(201);
    assert_eq!(site.take_part(&challenge, "bankidse", "Grace").await, "claimed");
    let url = early["verificationUrl"].as_str().unwrap();
    assert_eq!(
        site.simulate(url, &json!({ "outcome": "completed", "subject": "Ada" })).await,
        "missed"
    );
}

#[tokio::test]
async fn one_person_holds_one_stamp_per_provider_whatever_browser_they_use() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x", "maxStamps": 5 })).await;
    assert_eq!(site.take_part(&challenge, "bankidse", "Ada").await, "claimed");
    assert_eq!(site.take_part(&challenge, "bankidse", "Ada").await, "duplicate");
    assert_eq!(site.take_part(&challenge, "mitid", "Ada").await, "claimed");
    assert_eq!(site.take_part(&challenge, "bankidse", "Grace").await, "claimed");
}

#[tokio::test]
async fn where_duplicates_are_allowed_a_person_can_have_them_all() {
    let site = TestServer::start().await;
    let challenge = site
        .challenge(&json!({ "title": "x", "maxStamps": 2, "allowDuplicateParticipation": true }))
        .await;
    for expected in ["claimed", "claimed"] {
        assert_eq!(site.take_part(&challenge, "bankidse", "Ada").await, expected);
    }
}

#[tokio::test]
async fn an_outcome_that_is_told_twice_counts_once() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x", "maxStamps": 5 })).await;
    let begun = site.join(&challenge, "bankidse").send().await.expect(201);
    let url = begun["verificationUrl"].as_str().unwrap();
    for play in
        [json!({ "outcome": "completed", "subject": "Ada" }), json!({ "outcome": "failed" })]
    {
        assert_eq!(site.simulate(url, &play).await, "claimed");
    }
    let report = site.get(&format!("{TESTS}/{challenge}/report")).send().await.expect(200);
    assert_eq!(report["stats"]["totalClaims"], 1);
}

#[tokio::test]
async fn a_closed_challenge_grants_nothing_more() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x" })).await;
    let begun = site.join(&challenge, "bankidse").send().await.expect(201);
    let close =
        site.call("POST", &format!("/tpas/v1/challenges/{challenge}/close")).key(SERVICE_TOKEN);
    assert_eq!(close.send().await.expect(200)["isActive"], false);
    let url = begun["verificationUrl"].as_str().unwrap();
    assert_eq!(
        site.simulate(url, &json!({ "outcome": "completed", "subject": "Ada" })).await,
        "missed"
    );
    site.round().await;
    assert_eq!(site.get(TESTS).send().await.expect(200)[0]["challenge"]["isActive"], false);
}
