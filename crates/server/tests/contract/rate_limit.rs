//! §2: how many requests a key may make.

use std::time::Duration;

use serde_json::json;

use crate::support::{APPS, TESTS, TestServer};

#[tokio::test]
async fn a_key_may_burst_to_twice_its_rate_and_is_then_told_when_to_come_back() {
    let server = TestServer::start_with(|config| config.rate_limit = "2".parse().unwrap()).await;
    for _ in 0..4 {
        server.get(TESTS).send().await.expect(200);
    }
    let refused = server.get(TESTS).send().await;
    refused.expect_error(429, "RATE_LIMIT_EXCEEDED");
    assert_eq!(refused.header("retry-after"), Some("1"));

    let other = server.second_key().await;
    server.request("GET", TESTS).bearer(&other).send().await.expect(200);
    server.advance(Duration::from_secs(1));
    for _ in 0..2 {
        server.get(TESTS).send().await.expect(200);
    }
    server.get(TESTS).send().await.expect_error(429, "RATE_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn each_app_of_a_batch_counts_as_a_request() {
    let server = TestServer::start_with(|config| config.rate_limit = "5".parse().unwrap()).await;
    let batch = |count: usize| {
        let items: Vec<_> =
            (0..count).map(|number| json!({ "name": format!("App {number}") })).collect();
        server.post("/connect/v1/apps/batch").json(&json!({ "items": items }))
    };
    batch(7).send().await.expect(201);
    batch(4).send().await.expect_error(429, "RATE_LIMIT_EXCEEDED");
    assert_eq!(server.get(APPS).send().await.expect(200)["total"], 8, "the demo's and seven");
    // More than a burst can be made by a key that has rested.
    server.advance(Duration::from_secs(10));
    batch(30).send().await.expect(201);
}
