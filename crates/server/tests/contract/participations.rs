//! §10: joining a challenge, and following the participation.

use std::time::Duration;

use domain::Timestamp;
use serde_json::{Value, json};

use crate::support::{TestResponse, TestServer, completed, failed, id_of};

/// Reads a participation with its token.
async fn show(server: &TestServer, participation: &Value) -> Value {
    let path = format!("/tpas/v1/participations/{}", id_of(participation));
    let token = participation["token"].as_str().unwrap();
    server.request("GET", &path).bearer(token).send().await.expect(200)
}

/// The cookie that identifies the browser, as the browser sends it.
fn cookie_of(joined: &TestResponse) -> &str {
    joined.header("set-cookie").expect("a cookie").split(';').next().unwrap()
}

#[tokio::test]
async fn joining_starts_a_participation_that_is_read_with_its_token() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "BankID" })).await;
    let response = server.join(&challenge, "bankidse").send().await;
    let joined = response.expect(201);
    let id = id_of(&joined);
    let path = format!("/tpas/v1/participations/{id}");
    assert_eq!(response.header("location"), Some(path.as_str()));
    let expected = json!({
        "id": id,
        "challengeId": challenge,
        "providerId": "bankidse",
        "platform": "ios",
        "status": "started",
        "failureReason": null,
        "verificationUrl": joined["verificationUrl"],
        "createdAt": "2026-04-08T10:00:00.000Z",
        "expiresAt": "2026-04-08T10:15:00.000Z",
    });
    assert_eq!(show(&server, &joined).await, expected);
    let url = joined["verificationUrl"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/tpas/v1/simulator/{id}?code=", server.url)), "{url}");
}

#[tokio::test]
async fn a_participation_cannot_be_read_without_its_own_token() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "BankID" })).await;
    let mine = server.join(&challenge, "bankidse").send().await.expect(201);
    let theirs = server.join(&challenge, "bankidse").send().await.expect(201);
    let path = format!("/tpas/v1/participations/{}", id_of(&mine));
    let unknown = "/tpas/v1/participations/par_00000000-0000-7000-8000-000000000000";
    for request in [
        server.request("GET", &path),
        server.request("GET", &path).bearer(theirs["token"].as_str().unwrap()),
        server.request("GET", &path).bearer(&server.api_key),
        server.request("GET", unknown).bearer(mine["token"].as_str().unwrap()),
    ] {
        request.send().await.expect_error(401, "AUTH_INVALID_CREDENTIALS");
    }
}

#[tokio::test]
async fn an_invalid_request_to_join_is_refused_with_a_reason() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["bankidse"], "targetPlatform": "android" });
    let challenge = server.order_and_schedule(&order).await;
    let path = format!("/tpas/v1/challenges/{challenge}/participations");
    let join = async |body: Value| server.request("POST", &path).json(&body).send().await;

    for (body, parameter) in [
        (json!({ "providerId": "bankidse", "platform": "ios" }), "platform"),
        (json!({ "providerId": "mitid", "platform": "android" }), "providerId"),
    ] {
        let error = join(body).await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
        assert_eq!(error["details"]["parameter"], parameter);
    }
    let both = join(json!({ "providerId": " " })).await;
    let error = both.expect_error(400, "VALIDATION_MISSING_PARAMETER");
    assert_eq!(error["details"]["errors"].as_array().unwrap().len(), 2);
    let unknown = server.join("ch_00000000-0000-7000-8000-000000000000", "bankidse").send().await;
    unknown.expect_error(404, "RESOURCE_NOT_FOUND");
    join(json!({ "providerId": "bankidse", "platform": "android" })).await.expect(201);
}

#[tokio::test]
async fn a_completed_challenge_cannot_be_joined() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x", "maxStamps": 1 })).await;
    assert_eq!(server.join_and_verify(&challenge, "bankidse", "Ada").await, "claimed");
    server.join(&challenge, "bankidse").send().await.expect_error(409, "RESOURCE_CONFLICT");
}

#[tokio::test]
async fn a_challenge_can_be_joined_until_the_millisecond_at_which_it_expires() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let last: Timestamp = "2026-04-15T23:59:58.999Z".parse().unwrap();
    server.advance(last.since(server.now()));
    server.join(&challenge, "bankidse").send().await.expect(201);
    server.advance(Duration::from_millis(1));
    server.join(&challenge, "bankidse").send().await.expect_error(409, "RESOURCE_CONFLICT");
}

#[tokio::test]
async fn a_browser_has_one_started_or_successful_participation_for_each_provider() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["bankidse", "mitid"] });
    let challenge = server.order_and_schedule(&order).await;
    let first = server.join(&challenge, "bankidse").send().await;
    let attributes = first.header("set-cookie").unwrap();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/;"] {
        assert!(attributes.contains(attribute), "{attributes}");
    }
    let cookie = cookie_of(&first);
    let join = |provider| server.join(&challenge, provider).header("Cookie", cookie).send();

    join("bankidse").await.expect_error(409, "RESOURCE_CONFLICT");
    join("mitid").await.expect(201);
    // A participation that failed or lapsed does not count.
    assert_eq!(server.simulate(&first.json(), &failed()).await, "failed");
    join("bankidse").await.expect(201);
    server.advance(Duration::from_mins(15));
    let last = join("bankidse").await.expect(201);
    assert_eq!(server.simulate(&last, &completed("Ada")).await, "claimed");
    join("bankidse").await.expect_error(409, "RESOURCE_CONFLICT");
}

#[tokio::test]
async fn a_browser_is_known_whatever_other_cookies_it_sends() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let first = server.join(&challenge, "bankidse").send().await;
    let own = cookie_of(&first).as_bytes();
    for others in [&b"name=G\xc3\xb6ran; "[..], b"name=G\xf6ran; ", b"a=b; "] {
        let cookie = [others, own].concat();
        let again = server.join(&challenge, "bankidse").header("Cookie", cookie).send().await;
        again.expect_error(409, "RESOURCE_CONFLICT");
    }
    let two = server.join(&challenge, "bankidse").header("Cookie", "a=b").header("Cookie", own);
    two.send().await.expect_error(409, "RESOURCE_CONFLICT");
}

#[tokio::test]
async fn a_browser_joins_repeatedly_where_duplicates_are_allowed() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "allowDuplicateParticipation": true });
    let challenge = server.order_and_schedule(&order).await;
    let first = server.join(&challenge, "bankidse").send().await;
    let cookie = cookie_of(&first);
    let second = server.join(&challenge, "bankidse").header("Cookie", cookie).send().await;
    assert_ne!(second.expect(201)["id"], first.expect(201)["id"]);
    assert_eq!(second.header("set-cookie"), None, "the browser has its cookie already");
}

#[tokio::test]
async fn a_participation_lapses_after_15_minutes() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let joined = server.join(&challenge, "bankidse").send().await.expect(201);
    server.advance(Duration::from_millis(899_999));
    assert_eq!(show(&server, &joined).await["status"], "started");
    server.advance(Duration::from_millis(1));
    assert_eq!(show(&server, &joined).await["status"], "lapsed");
    assert_eq!(server.simulate(&joined, &completed("Ada")).await, "lapsed");
    server.run_background_tasks().await;
    assert_eq!(show(&server, &joined).await["status"], "lapsed");
    let stats = server.report(&challenge).await["stats"].clone();
    assert_eq!((&stats["totalParticipations"], &stats["totalClaims"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn a_failed_participation_says_why() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    for (outcome, reason) in [
        (json!({ "outcome": "failed", "reason": "cancelled_by_tester" }), "cancelled_by_tester"),
        (json!({ "outcome": "failed" }), "other"),
    ] {
        let joined = server.join(&challenge, "bankidse").send().await.expect(201);
        assert_eq!(server.simulate(&joined, &outcome).await, "failed");
        assert_eq!(show(&server, &joined).await["failureReason"], reason);
    }
    let joined = server.join(&challenge, "bankidse").send().await.expect(201);
    let url = joined["verificationUrl"].as_str().unwrap().strip_prefix(&server.url).unwrap();
    let unknown = json!({ "outcome": "failed", "reason": "bad_luck" });
    let refused = server.request("POST", url).json(&unknown).send().await;
    let error = refused.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    assert_eq!(error["details"]["parameter"], "reason");
    assert_eq!(show(&server, &joined).await["status"], "started");
}

#[tokio::test]
async fn joining_again_with_the_same_idempotency_key_is_a_replay() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let join = |provider| server.join(&challenge, provider).idempotency_key("5f0c");
    let first = join("bankidse").send().await;
    let second = join("bankidse").send().await;
    assert_eq!(second.expect(201), first.expect(201));
    assert_eq!((first.is_replay(), second.is_replay()), (false, true));
    join("mitid").send().await.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");

    let same_browser = join("bankidse").header("Cookie", cookie_of(&first)).send().await;
    assert_eq!(same_browser.expect(201), first.expect(201));
    // A browser that happens to choose the same key does not get the token of the first.
    let stranger = server.join(&challenge, "mitid").send().await;
    let other_browser = join("bankidse").header("Cookie", cookie_of(&stranger)).send().await;
    other_browser.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    let stats = server.report(&challenge).await["stats"].clone();
    assert_eq!(stats["totalParticipations"], 2, "the first browser's and the stranger's");
}

#[tokio::test]
async fn nothing_that_identifies_a_tester_is_stored() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let response = server.join(&challenge, "bankidse").send().await;
    let (_, browser) = cookie_of(&response).split_once('=').unwrap();
    let joined = response.expect(201);
    let subject = "199001011234-Ada-Lovelace";
    assert_eq!(server.simulate(&joined, &completed(subject)).await, "claimed");
    let stored = server.stop().await.dump().await;
    let contains = |text: &str| stored.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(contains("bankidse"), "the participation is stored");
    for secret in [subject, browser, joined["token"].as_str().unwrap()] {
        assert!(!contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn testers_cannot_join_in_production_which_has_no_verifier_yet() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let server = server.restart_in_production().await;
    server.join(&challenge, "bankidse").send().await.expect_error(503, "SYSTEM_UNAVAILABLE");
}
