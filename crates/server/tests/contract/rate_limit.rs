//! §13: how many requests one key may make.

use std::time::Duration;

use server::RateLimit;

use crate::support::{TESTS, TestServer};

#[tokio::test]
async fn a_key_may_burst_to_twice_its_rate_and_is_then_told_when_to_come_back() {
    let site =
        TestServer::configured(|config| config.rate_limit = "2".parse::<RateLimit>().unwrap())
            .await;
    for _ in 0..4 {
        site.get(TESTS).send().await.expect(200);
    }
    let refused = site.get(TESTS).send().await;
    refused.expect_error(429, "RATE_LIMIT_EXCEEDED");
    assert_eq!(refused.header("retry-after"), Some("1"));

    let other = site.key(&site.demo_workspace().await, |_| {}).await;
    site.call("GET", TESTS).key(&other).send().await.expect(200);
    site.advance(Duration::from_secs(1));
    for _ in 0..2 {
        site.get(TESTS).send().await.expect(200);
    }
    site.get(TESTS).send().await.expect_error(429, "RATE_LIMIT_EXCEEDED");
}
