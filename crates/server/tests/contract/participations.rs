//! §10: testers join, and follow how it goes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{TESTS, TestServer};

async fn follow(site: &TestServer, participation: &Value) -> Value {
    let path = format!("/tpas/v1/participations/{}", participation["id"].as_str().unwrap());
    site.call("GET", &path).key(participation["token"].as_str().unwrap()).send().await.expect(200)
}

#[tokio::test]
async fn joining_begins_a_participation_that_its_token_opens() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "BankID" })).await;
    let answer = site.join(&challenge, "bankidse").send().await;
    let begun = answer.expect(201);
    let id = begun["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), Some(format!("/tpas/v1/participations/{id}").as_str()));
    let expected = json!({
        "id": id,
        "challengeId": challenge,
        "providerId": "bankidse",
        "platform": "ios",
        "status": "started",
        "verificationUrl": begun["verificationUrl"],
        "createdAt": "2026-04-08T10:00:00.000Z",
        "expiresAt": "2026-04-08T10:15:00.000Z",
    });
    assert_eq!(follow(&site, &begun).await, expected);
    let url = begun["verificationUrl"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/tpas/v1/simulator/{id}?code=", site.url)), "{url}");
}

#[tokio::test]
async fn a_participation_is_closed_to_everybody_else() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "BankID" })).await;
    let mine = site.join(&challenge, "bankidse").send().await.expect(201);
    let theirs = site.join(&challenge, "bankidse").send().await.expect(201);
    let path = format!("/tpas/v1/participations/{}", mine["id"].as_str().unwrap());
    let nobodys = "/tpas/v1/participations/par_00000000-0000-7000-8000-000000000000";
    for call in [
        site.call("GET", &path),
        site.call("GET", &path).key(theirs["token"].as_str().unwrap()),
        site.call("GET", &path).key(&site.api_key),
        site.call("GET", nobodys).key(mine["token"].as_str().unwrap()),
    ] {
        call.send().await.expect_error(401, "AUTH_INVALID_CREDENTIALS");
    }
}

#[tokio::test]
async fn what_cannot_be_joined_is_refused_with_a_reason() {
    let site = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["bankidse"], "targetPlatform": "android" });
    let challenge = site.challenge(&order).await;
    let path = format!("/tpas/v1/challenges/{challenge}/participations");
    let join = |wish: Value| site.call("POST", &path).json(&wish).send();

    let error = join(json!({ "providerId": "bankidse", "platform": "ios" })).await;
    assert_eq!(
        error.expect_error(400, "VALIDATION_INVALID_PARAMETER")["details"]["parameter"],
        "platform"
    );
    let error = join(json!({ "providerId": "mitid", "platform": "android" })).await;
    assert_eq!(
        error.expect_error(400, "VALIDATION_INVALID_PARAMETER")["details"]["parameter"],
        "providerId"
    );
    let error =
        join(json!({ "providerId": " " })).await.expect_error(400, "VALIDATION_MISSING_PARAMETER");
    assert_eq!(error["details"]["errors"].as_array().unwrap().len(), 2);
    let unknown = site.join("ch_00000000-0000-7000-8000-000000000000", "bankidse").send().await;
    unknown.expect_error(404, "RESOURCE_NOT_FOUND");
    join(json!({ "providerId": "bankidse", "platform": "android" })).await.expect(201);
}

#[tokio::test]
async fn a_challenge_that_is_over_cannot_be_joined() {
    let site = TestServer::start().await;
    let complete = site.challenge(&json!({ "title": "x", "maxStamps": 1 })).await;
    site.take_part(&complete, "bankidse", "Ada").await;
    site.join(&complete, "bankidse").send().await.expect_error(409, "RESOURCE_CONFLICT");

    let expired = site.challenge(&json!({ "title": "x" })).await;
    site.advance(
        "2026-04-15T23:59:58.999Z".parse::<domain::Timestamp>().unwrap().since(site.now()),
    );
    site.join(&expired, "bankidse").send().await.expect(201);
    site.advance(Duration::from_millis(1));
    site.join(&expired, "bankidse").send().await.expect_error(409, "RESOURCE_CONFLICT");
}

#[tokio::test]
async fn a_browser_has_one_live_or_successful_participation_per_provider() {
    let site = TestServer::start().await;
    let challenge =
        site.challenge(&json!({ "title": "x", "providerIds": ["bankidse", "mitid"] })).await;
    let first = site.join(&challenge, "bankidse").send().await;
    let cookie = first.header("set-cookie").unwrap().to_owned();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/tpas/v1"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let browser = cookie.split(';').next().unwrap();
    let again = || site.join(&challenge, "bankidse").header("Cookie", browser).send();

    again().await.expect_error(409, "RESOURCE_CONFLICT");
    site.join(&challenge, "mitid").header("Cookie", browser).send().await.expect(201);
    // A failed one does not count, nor does one that has lapsed, written down or not.
    let url = first.json()["verificationUrl"].as_str().unwrap().to_owned();
    assert_eq!(site.simulate(&url, &json!({ "outcome": "failed" })).await, "failed");
    again().await.expect(201);
    site.advance(Duration::from_mins(15));
    let last = again().await.expect(201);
    let url = last["verificationUrl"].as_str().unwrap();
    assert_eq!(
        site.simulate(url, &json!({ "outcome": "completed", "subject": "Ada" })).await,
        "claimed"
    );
    again().await.expect_error(409, "RESOURCE_CONFLICT");
}

#[tokio::test]
async fn where_duplicates_are_allowed_a_browser_joins_as_often_as_it_likes() {
    let site = TestServer::start().await;
    let challenge =
        site.challenge(&json!({ "title": "x", "allowDuplicateParticipation": true })).await;
    let first = site.join(&challenge, "bankidse").send().await;
    let browser = first.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let second = site.join(&challenge, "bankidse").header("Cookie", &browser).send().await;
    second.expect(201);
    assert_eq!(second.header("set-cookie"), None, "this browser is known");
}

#[tokio::test]
async fn a_participation_lapses_after_15_minutes() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x" })).await;
    let begun = site.join(&challenge, "bankidse").send().await.expect(201);
    site.advance(Duration::from_millis(899_999));
    assert_eq!(follow(&site, &begun).await["status"], "started");
    site.advance(Duration::from_millis(1));
    assert_eq!(follow(&site, &begun).await["status"], "lapsed");
    let url = begun["verificationUrl"].as_str().unwrap();
    assert_eq!(
        site.simulate(url, &json!({ "outcome": "completed", "subject": "Ada" })).await,
        "lapsed"
    );
    site.round().await;
    assert_eq!(follow(&site, &begun).await["status"], "lapsed");
    let report = site.get(&format!("{TESTS}/{challenge}/report")).send().await.expect(200);
    assert_eq!(
        (&report["stats"]["totalParticipations"], &report["stats"]["totalClaims"]),
        (&json!(1), &json!(0))
    );
}

#[tokio::test]
async fn joining_twice_with_one_idempotency_key_is_joining_once() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x" })).await;
    let first = site.join(&challenge, "bankidse").idempotency_key("5f0c").send().await;
    let second = site.join(&challenge, "bankidse").idempotency_key("5f0c").send().await;
    assert_eq!(second.expect(201), first.expect(201));
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    let other = site.join(&challenge, "mitid").idempotency_key("5f0c").send().await;
    other.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    // With its cookie a browser is known; another one that has chosen the same key is not told the
    // first one's secrets.
    let own = first.header("set-cookie").unwrap().split(';').next().unwrap();
    let same = site
        .join(&challenge, "bankidse")
        .idempotency_key("5f0c")
        .header("Cookie", own)
        .send()
        .await;
    assert_eq!(same.expect(201), first.expect(201));
    let stranger = site.join(&challenge, "mitid").send().await;
    let cookie = stranger.header("set-cookie").unwrap().split(';').next().unwrap();
    let theirs = site
        .join(&challenge, "bankidse")
        .idempotency_key("5f0c")
        .header("Cookie", cookie)
        .send()
        .await;
    theirs.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    let report = site.get(&format!("{TESTS}/{challenge}/report")).send().await.expect(200);
    assert_eq!(
        report["stats"]["totalParticipations"], 2,
        "the stranger has joined with another provider"
    );
}

#[tokio::test]
async fn nothing_that_identifies_a_tester_is_kept() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x" })).await;
    let joined = site.join(&challenge, "bankidse").send().await;
    let cookie = joined.header("set-cookie").unwrap();
    let browser = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    let begun = joined.expect(201);
    let subject = "199001011234-Ada-Lovelace";
    let url = begun["verificationUrl"].as_str().unwrap();
    site.simulate(url, &json!({ "outcome": "completed", "subject": subject })).await;
    let token = begun["token"].as_str().unwrap().to_owned();
    let stored = site.stop().await.everything().await;
    for secret in [subject, &browser, &token] {
        assert!(
            !stored.windows(secret.len()).any(|window| window == secret.as_bytes()),
            "{secret}"
        );
    }
}

#[tokio::test]
async fn in_production_testers_cannot_join_until_there_is_a_verifier() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x" })).await;
    let site = site.restart_in_production().await;
    site.join(&challenge, "bankidse").send().await.expect_error(503, "SYSTEM_UNAVAILABLE");
}
