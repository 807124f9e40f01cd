//! §10: the challenges that testers can join.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::TestServer;

#[tokio::test]
async fn an_open_challenge_has_what_a_tester_needs_to_know() {
    let server = TestServer::start().await;
    let order = json!({ "title": "BankID", "description": "Please", "providerIds": ["bankidse"],
        "maxStamps": 2, "targetPlatform": "ios" });
    let challenge = server.order_and_schedule(&order).await;
    server.join_and_verify(&challenge, "bankidse", "Ada").await;
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
    assert_eq!(server.open_challenges().await, [expected]);
}

#[tokio::test]
async fn testers_see_the_challenges_of_their_platform_the_soonest_to_expire_first() {
    let server = TestServer::start().await;
    let both = server.order_and_schedule(&json!({ "title": "x" })).await;
    server.advance(Duration::from_hours(24));
    let ios = json!({ "title": "x", "targetPlatform": "ios" });
    let ios = server.order_and_schedule(&ios).await;
    let android = json!({ "title": "x", "targetPlatform": "android" });
    let android = server.order_and_schedule(&android).await;
    for (query, expected) in [
        ("?platform=ios", &[&both, &ios][..]),
        ("?platform=android", &[&both, &android]),
        ("", &[&both, &ios, &android]),
    ] {
        let path = format!("/tpas/v1/challenges/open{query}");
        let open = server.request("GET", &path).send().await.expect(200);
        let ids: Vec<&Value> = open.as_array().unwrap().iter().map(|open| &open["id"]).collect();
        assert_eq!(ids, expected, "{query}");
    }
    let unknown = server.request("GET", "/tpas/v1/challenges/open?platform=windows").send().await;
    unknown.expect_error(400, "VALIDATION_INVALID_PARAMETER");
}

#[tokio::test]
async fn a_completed_or_expired_challenge_is_not_open() {
    let server = TestServer::start().await;
    let complete = server.order_and_schedule(&json!({ "title": "x", "maxStamps": 1 })).await;
    assert_eq!(server.open_challenges().await.len(), 1);
    server.join_and_verify(&complete, "bankidse", "Ada").await;
    assert_eq!(server.open_challenges().await, Vec::<Value>::new());
    server.order_and_schedule(&json!({ "title": "x" })).await;
    assert_eq!(server.open_challenges().await.len(), 1);
    server.advance(Duration::from_hours(24 * 8));
    assert_eq!(server.open_challenges().await, Vec::<Value>::new());
}

#[tokio::test]
async fn every_open_challenge_is_found_page_by_page() {
    let server = TestServer::start().await;
    let mut ordered = Vec::new();
    for (number, platform) in
        [None, Some("ios"), Some("android")].into_iter().cycle().take(12).enumerate()
    {
        if number == 7 {
            server.advance(Duration::from_hours(24));
        }
        let order =
            json!({ "title": "x", "providerIds": ["bankidse"], "targetPlatform": platform });
        ordered.push((platform, server.order_and_schedule(&order).await));
    }
    for (asked, other, pages) in [
        ("platform=ios&", Some("android"), 3),
        ("platform=android&", Some("ios"), 3),
        ("", None, 4),
    ] {
        let expected =
            ordered.iter().filter(|(platform, _)| platform.is_none() || *platform != other);
        let mut expected: Vec<String> = expected.map(|(_, id)| id.clone()).collect();
        expected.sort_unstable();
        let path = format!("/tpas/v1/challenges/open?{asked}limit=3");
        let (mut found, counted) = page_by_page(&server, path).await;
        found.sort_unstable();
        assert_eq!((found, counted), (expected, pages), "{asked}");
    }
    let beyond = "cursor=6.1.ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a";
    for wrong in [beyond, "limit=0", "limit=101", "limit=x", "cursor=x", "cursor=0.1.ch_x"] {
        let path = format!("/tpas/v1/challenges/open?{wrong}");
        server.request("GET", &path).send().await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    }
}

/// The ids on this page and on those that follow, and the number of pages with any.
async fn page_by_page(server: &TestServer, first: String) -> (Vec<String>, usize) {
    let (mut found, mut pages) = (Vec::new(), 0);
    let mut next = Some(first);
    while let Some(path) = next {
        let page = server.request("GET", &path).send().await;
        next = page.header("link").map(|link| {
            let (path, relation) = link.split_once('>').unwrap();
            assert_eq!(relation, "; rel=\"next\"");
            path.trim_start_matches('<').to_owned()
        });
        let page = page.expect(200);
        found.extend(
            page.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()),
        );
        pages += usize::from(!page.as_array().unwrap().is_empty());
    }
    (found, pages)
}

#[tokio::test]
async fn a_host_with_many_open_tests_does_not_hide_another_one() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["bankidse"] });
    let first = server.order_and_schedule(&order).await;
    for _ in 1..101 {
        server.order(&order).await.expect(201);
    }
    server.run_background_tasks().await;
    server.advance(Duration::from_hours(24));
    let name = json!({ "name": "Small Bank" });
    let app = server.authorized("PATCH", "/connect/v1/apps/FK5b0KSM");
    app.json(&name).send().await.expect(200);
    let other = server.order_and_schedule(&order).await;
    let second = server.order_and_schedule(&order).await;
    let page = server.open_challenges().await;
    let ids: Vec<&Value> = page.iter().map(|open| &open["id"]).collect();
    assert_eq!((ids.len(), &ids[..2]), (100, &[&json!(first), &json!(other)][..]));
    assert_eq!(page[1]["hostName"], "Small Bank");
    let third_and_fourth: Vec<&Value> = page[2..4].iter().map(|open| &open["hostName"]).collect();
    assert_eq!(third_and_fourth, ["Acme Bank", "Small Bank"], "the second one of each");
    assert_eq!(ids[3], &json!(second));
}
