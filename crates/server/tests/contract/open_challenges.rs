//! §10: what testers can join.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::TestServer;

async fn open(site: &TestServer, query: &str) -> Vec<Value> {
    let answer = site.call("GET", &format!("/tpas/v1/challenges/open{query}")).send().await;
    answer.expect(200).as_array().unwrap().clone()
}

#[tokio::test]
async fn an_open_challenge_says_what_a_tester_needs_to_know() {
    let site = TestServer::start().await;
    let order = json!({ "title": "BankID", "description": "Please", "providerIds": ["bankidse"], "maxStamps": 2, "targetPlatform": "ios" });
    let challenge = site.challenge(&order).await;
    site.take_part(&challenge, "bankidse", "Ada").await;
    let expected = json!({
        "id": challenge,
        "title": "BankID",
        "description": "Please",
        "hostName": "Acme Bank",
        "providers": [{ "id": "bankidse", "name": "BankID SE" }],
        "targetPlatform": "ios",
        "maxStampClaims": 2,
        "remainingStamps": 1,
        "expiresAt": "2026-04-15T23:59:59.000Z",
    });
    assert_eq!(open(&site, "").await, [expected]);
}

#[tokio::test]
async fn testers_see_what_their_platform_can_join_soonest_to_expire_first() {
    let site = TestServer::start().await;
    let both = site.challenge(&json!({ "title": "x" })).await;
    site.advance(Duration::from_hours(24));
    let ios = site.challenge(&json!({ "title": "x", "targetPlatform": "ios" })).await;
    let android = site.challenge(&json!({ "title": "x", "targetPlatform": "android" })).await;
    let ids = |challenges: Vec<Value>| {
        challenges.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(open(&site, "?platform=ios").await), [both.clone(), ios.clone()]);
    assert_eq!(ids(open(&site, "?platform=android").await), [both.clone(), android.clone()]);
    assert_eq!(ids(open(&site, "").await), [both, ios, android]);
    let unknown = site.call("GET", "/tpas/v1/challenges/open?platform=windows").send().await;
    unknown.expect_error(400, "VALIDATION_INVALID_PARAMETER");
}

#[tokio::test]
async fn what_is_over_is_not_open() {
    let site = TestServer::start().await;
    let complete = site.challenge(&json!({ "title": "x", "maxStamps": 1 })).await;
    site.take_part(&complete, "bankidse", "Ada").await;
    assert_eq!(open(&site, "").await, Vec::<Value>::new());
    site.challenge(&json!({ "title": "x" })).await;
    assert_eq!(open(&site, "").await.len(), 1);
    site.advance(Duration::from_hours(24 * 8));
    assert_eq!(open(&site, "").await, Vec::<Value>::new());
}
