//! §10: how often testers may join.

use std::time::Duration;

use serde_json::json;

use crate::support::{TestRequest, TestServer};

const OFFICE: &str = "198.51.100.1";

/// A server behind a proxy on this machine.
async fn server() -> TestServer {
    TestServer::start_with(|config| {
        config.rate_limit = "1000".parse().unwrap();
        config.trusted_proxies = "127.0.0.1".parse().unwrap();
    })
    .await
}

fn join_from(server: &TestServer, address: &str, challenge: &str) -> TestRequest {
    server.join(challenge, "bankidse").header("X-Forwarded-For", address)
}

#[tokio::test]
async fn an_office_may_join_at_once_and_is_then_told_when_to_come_back() {
    let server = server().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    for _ in 0..60 {
        join_from(&server, OFFICE, &challenge).send().await.expect(201);
    }
    let refused = join_from(&server, OFFICE, &challenge).send().await;
    refused.expect_error(429, "RATE_LIMIT_EXCEEDED");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(server.report(&challenge).await["stats"]["totalParticipations"], 60);

    // What the client itself writes into the header is not believed.
    let forged = format!("203.0.113.9, {OFFICE}");
    join_from(&server, &forged, &challenge).send().await.expect_error(429, "RATE_LIMIT_EXCEEDED");
    join_from(&server, "198.51.100.2", &challenge).send().await.expect(201);
    server.advance(Duration::from_secs(1));
    join_from(&server, OFFICE, &challenge).send().await.expect(201);
}

#[tokio::test]
async fn a_flood_from_many_addresses_does_not_fill_one_challenge_or_touch_another() {
    let server = server().await;
    let flooded = server.order_and_schedule(&json!({ "title": "x" })).await;
    let other = server.order_and_schedule(&json!({ "title": "y" })).await;
    for number in 0..300 {
        let address = format!("2001:db8:0:{number:x}::1");
        join_from(&server, &address, &flooded).send().await.expect(201);
    }
    let refused = join_from(&server, OFFICE, &flooded).send().await;
    refused.expect_error(429, "RATE_LIMIT_EXCEEDED");
    join_from(&server, OFFICE, &other).send().await.expect(201);
}

#[tokio::test]
async fn a_person_is_told_kindly() {
    let server = server().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    for _ in 0..60 {
        join_from(&server, OFFICE, &challenge).send().await.expect(201);
    }
    let path = format!("/t/{challenge}/participations");
    let form = "provider=bankidse&platform=ios";
    let refused = server
        .request("POST", &path)
        .header("X-Forwarded-For", OFFICE)
        .header("Accept", "text/html")
        .body("application/x-www-form-urlencoded", form)
        .send()
        .await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    assert!(refused.text.contains("Many people are joining at this moment."), "{}", refused.text);
}
