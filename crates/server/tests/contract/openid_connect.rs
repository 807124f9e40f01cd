//! §10: testers who are verified by an OpenID Connect provider.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::openid_provider::OpenIdProvider;
use crate::support::person::{IPHONE, Person, link_with};
use crate::support::{Store, TESTS, TestResponse, TestServer};
use crate::verification_events::report;

async fn order(server: &TestServer, stamps: u32) -> String {
    let order =
        json!({ "title": "BankID SE Test", "providerIds": ["bankidse"], "maxStamps": stamps });
    server.order_and_schedule(&order).await
}

/// A person begins the test and follows the link to the provider. Returns the authorization URL.
async fn go_to_provider(person: &Person<'_>, challenge: &str) -> String {
    let page = person.begin(challenge, "bankidse").await;
    let start = path_of(&link_with(&page, "/verifications/"));
    let response = person.send("GET", &start, None).await;
    assert_eq!(response.status, 303, "{}", response.text);
    response.header("location").unwrap().to_owned()
}

/// The path of a link to this deployment.
fn path_of(link: &str) -> String {
    link.strip_prefix("http://fieldtest.example").unwrap_or(link).to_owned()
}

fn assert_says(page: &TestResponse, text: &str) {
    assert!(page.text.contains(text), "{text}: {}", page.text);
}

async fn failure_reasons(server: &TestServer, challenge: &str) -> Value {
    let outcomes = server.get(&format!("{TESTS}/{challenge}/outcomes")).send().await.expect(200);
    outcomes["outcomes"][0]["failureReasons"].clone()
}

#[tokio::test]
async fn a_person_who_logs_in_at_the_provider_gets_a_stamp() {
    let provider = OpenIdProvider::start().await;
    let server = provider.server().await;
    let challenge = order(&server, 1).await;
    let person = server.person(IPHONE);
    let url = go_to_provider(&person, &challenge).await;
    let back = provider.log_in(&server, &url, "199001011234");
    assert_says(&person.open(&back).await, "Stamp granted");
    // Loading the callback again shows the result again, and redeems nothing.
    assert_says(&person.open(&back).await, "Stamp granted");
    assert_eq!(provider.redeemed().len(), 1);
    let outcomes = server.get(&format!("{TESTS}/{challenge}/outcomes")).send().await.expect(200);
    assert_eq!(
        outcomes["funnel"],
        json!({ "joined": 1, "verificationStarted": 1, "verified": 1, "claimed": 1 })
    );
}

#[tokio::test]
async fn the_same_person_is_counted_once() {
    let provider = OpenIdProvider::start().await;
    let server = provider.server().await;
    let challenge = order(&server, 3).await;
    for text in ["Stamp granted", "You are counted already"] {
        let person = server.person(IPHONE);
        let url = go_to_provider(&person, &challenge).await;
        let back = provider.log_in(&server, &url, "Ada");
        assert_says(&person.open(&back).await, text);
    }
}

#[tokio::test]
async fn a_person_who_cancels_at_the_provider_may_try_again() {
    let provider = OpenIdProvider::start().await;
    let server = provider.server().await;
    let challenge = order(&server, 1).await;
    let person = server.person(IPHONE);
    for error in ["access_denied", "user_cancel"] {
        let url = go_to_provider(&person, &challenge).await;
        let page = person.open(&provider.refuse(&url, error)).await;
        assert_says(&page, "You cancelled at the eID");
        assert_says(&page, "Try again");
    }
    let cancelled = json!([{ "reason": "cancelled_by_tester", "count": 2 }]);
    assert_eq!(failure_reasons(&server, &challenge).await, cancelled);
    let url = go_to_provider(&person, &challenge).await;
    assert_says(&person.open(&provider.log_in(&server, &url, "Ada")).await, "Stamp granted");
}

#[tokio::test]
async fn another_browser_that_comes_back_is_asked_and_only_a_yes_counts() {
    let provider = OpenIdProvider::start().await;
    let server = provider.server().await;
    let challenge = order(&server, 2).await;
    for (answer, in_other, in_first) in
        [("yes", "Stamp granted", "Stamp granted"), ("no", "Not verified", "Not verified")]
    {
        let first = server.person(IPHONE);
        let url = go_to_provider(&first, &challenge).await;
        let back = provider.log_in(&server, &url, answer);
        let other = server.person(IPHONE);
        let page = other.open(&back).await;
        assert_says(&page, "Was that you?");
        assert_says(&page, "BankID SE Test");
        assert_says(&page, "Acme Bank");
        // Asking is not counting, and the first browser still waits.
        let stats = server.report(&challenge).await["stats"].clone();
        assert_eq!(stats["totalClaims"], 0, "{answer}");
        let waiting = first.open(&format!("/t/{challenge}")).await;
        let own = link_with(&waiting, "/participations/");
        assert_says(&first.open(&own).await, "Waiting for BankID SE");
        // Loading the page again asks again.
        assert_says(&other.open(&back).await, "Was that you?");

        let action = format!("{own}/confirmation");
        assert_says(&other.submit(&action, &format!("mine={answer}")).await, in_other);
        assert_says(&first.open(&own).await, in_first);
        // The first answer counts.
        assert_says(&other.submit(&action, "mine=yes").await, in_other);
        if answer == "yes" {
            assert_eq!(server.report(&challenge).await["stats"]["totalClaims"], 1);
            return_stamp(&server).await;
        }
    }
}

/// Forgets stamps, so that the next round begins with none.
async fn return_stamp(server: &TestServer) {
    for sql in [
        "DELETE FROM stamp_claims RETURNING number",
        "UPDATE challenges SET stamp_claims = 0 RETURNING id",
        "DELETE FROM participation_counts RETURNING number",
    ] {
        server.database().rows(Store::Challenge, sql).await;
    }
}

#[tokio::test]
async fn a_stranger_cannot_answer_for_the_browser_that_came_back() {
    let provider = OpenIdProvider::start().await;
    let server = provider.server().await;
    let challenge = order(&server, 1).await;
    // An attacker begins, and gets somebody else to log in with the attacker's link.
    let attacker = server.person(IPHONE);
    let url = go_to_provider(&attacker, &challenge).await;
    let back = provider.log_in(&server, &url, "victim");
    assert_says(&server.person(IPHONE).open(&back).await, "Was that you?");
    let page = attacker.open(&format!("/t/{challenge}")).await;
    let own = link_with(&page, "/participations/");
    let page = attacker.submit(&format!("{own}/confirmation"), "mine=yes").await;
    assert_says(&page, "Waiting for BankID SE");
    let stranger = server.person(IPHONE);
    let page = stranger.submit(&format!("{own}/confirmation"), "mine=yes").await;
    assert_eq!(page.status, 404);
    assert_eq!(server.report(&challenge).await["stats"]["totalClaims"], 0);
}

#[tokio::test]
async fn two_callbacks_at_once_redeem_the_code_once() {
    let provider = OpenIdProvider::start().await;
    let server = provider.server().await;
    let challenge = order(&server, 1).await;
    let person = server.person(IPHONE);
    let url = go_to_provider(&person, &challenge).await;
    let back = provider.log_in(&server, &url, "Ada");
    tokio::join!(person.send("GET", &back, None), person.send("GET", &back, None));
    assert_eq!(provider.redeemed().len(), 1);
    assert_says(&person.open(&back).await, "Stamp granted");
}

#[tokio::test]
async fn an_unknown_or_expired_state_is_not_accepted() {
    let provider = OpenIdProvider::start().await;
    let server = provider.server().await;
    let challenge = order(&server, 1).await;
    let person = server.person(IPHONE);
    for wrong in ["", "?state=x&code=y", "?code=y", "?state=&error=access_denied"] {
        let path = format!("/tpas/v1/verifications/callback{wrong}");
        assert_eq!(person.open(&path).await.status, 404, "{wrong}");
    }
    let url = go_to_provider(&person, &challenge).await;
    let back = provider.log_in(&server, &url, "Ada");
    server.advance(Duration::from_mins(10));
    assert_eq!(person.open(&back).await.status, 404);
    assert_eq!(provider.redeemed(), Vec::<String>::new());
}

#[tokio::test]
async fn a_provider_that_is_down_ends_no_participation() {
    let provider = OpenIdProvider::start().await;
    let server = provider.server().await;
    let challenge = order(&server, 1).await;
    provider.goes_down();
    let person = server.person(IPHONE);
    let page = person.begin(&challenge, "bankidse").await;
    let start = path_of(&link_with(&page, "/verifications/"));
    let page = person.open(&start).await;
    assert_eq!(page.status, 503);
    assert_says(&page, "BankID SE cannot be reached at the moment");
    let page = person.open(&format!("/t/{challenge}")).await;
    assert_says(&page, "Go on with BankID SE");
}

#[tokio::test]
async fn a_login_of_another_provider_is_not_accepted() {
    let provider = OpenIdProvider::start().await;
    let server = provider.server().await;
    let challenge = order(&server, 1).await;
    let person = server.person(IPHONE);
    let url = go_to_provider(&person, &challenge).await;
    let back = format!("{}&iss=https://evil.example", provider.log_in(&server, &url, "Ada"));
    assert_says(&person.open(&back).await, "not accepted");
    assert_eq!(provider.redeemed(), Vec::<String>::new());
    let invalid = json!([{ "reason": "provider_answer_invalid", "count": 1 }]);
    assert_eq!(failure_reasons(&server, &challenge).await, invalid);
}

#[tokio::test]
async fn events_and_the_simulator_cannot_stand_in_for_the_provider() {
    let provider = OpenIdProvider::start().await;
    let server = provider.server().await;
    let challenge = order(&server, 1).await;
    let joined = server.join(&challenge, "bankidse").send().await.expect(201);
    let event = json!({ "event": "verification.completed",
        "data": { "participationId": joined["id"], "subject": "Ada" } });
    report(&server, server.now(), &event).await.expect_error(409, "RESOURCE_CONFLICT");
    let start = joined["verificationUrl"].as_str().unwrap();
    let simulator = path_of(start).replace("verifications", "simulator").replace("/start", "");
    server.request("GET", &simulator).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    let wrong = format!("{}0", path_of(start));
    server.request("GET", &wrong).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn a_verification_cannot_begin_without_end() {
    let provider = OpenIdProvider::start().await;
    let server = provider.server().await;
    let challenge = order(&server, 1).await;
    let joined = server.join(&challenge, "bankidse").send().await.expect(201);
    let start = path_of(joined["verificationUrl"].as_str().unwrap());
    for _ in 0..20 {
        assert_eq!(server.request("GET", &start).send().await.status, 303);
    }
    server.request("GET", &start).send().await.expect_error(429, "RATE_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn our_public_keys_are_published() {
    let provider = OpenIdProvider::start().await;
    let server = provider.server().await;
    let keys = server.request("GET", "/tpas/v1/verifications/keys").send().await.expect(200);
    assert_eq!(keys, json!({ "keys": [] }), "a public client has none");
}

#[tokio::test]
async fn nothing_of_a_person_or_a_login_is_stored() {
    let provider = OpenIdProvider::start().await;
    let server = provider.server().await;
    let challenge = order(&server, 1).await;
    let person = server.person(IPHONE);
    let url = go_to_provider(&person, &challenge).await;
    let back = provider.log_in(&server, &url, "199001011234");
    assert_says(&person.open(&back).await, "Stamp granted");
    let value = |name: &str| {
        let rest = url.split(&format!("{name}=")).nth(1).unwrap();
        rest.split('&').next().unwrap().to_owned()
    };
    let secrets = [
        value("state"),
        value("nonce"),
        "199001011234".into(),
        "Ada Lovelace".into(),
        provider.redeemed().remove(0),
    ];
    let stored = server.stop().await.dump().await;
    for secret in secrets {
        let bytes = secret.as_bytes();
        assert!(!stored.windows(bytes.len()).any(|part| part == bytes), "{secret}");
    }
}

async fn verifiers(server: &TestServer) -> Value {
    server.get("/connect/v1/verifiers").send().await.expect(200)
}

/// `bankidse` is the first provider of the catalogue.
fn health(kind: &str, times: [Option<&str>; 4], reason: Option<&str>) -> Value {
    let [discovered, returned, succeeded, failed] = times;
    json!({ "providerId": "bankidse", "kind": kind, "discoveredAt": discovered,
        "returnedAt": returned, "succeededAt": succeeded, "failedAt": failed,
        "failureReason": reason })
}

#[tokio::test]
async fn every_server_says_how_it_goes_with_a_verifier() {
    let [at_10, at_10_01, at_10_02, at_10_03] = [
        Some("2026-04-08T10:00:00.000Z"),
        Some("2026-04-08T10:01:00.000Z"),
        Some("2026-04-08T10:02:00.000Z"),
        Some("2026-04-08T10:03:00.000Z"),
    ];
    let provider = OpenIdProvider::start().await;
    let server = provider.server().await;
    let seen = verifiers(&server).await;
    assert_eq!(seen[0], health("oidc", [None; 4], None));
    assert_eq!((&seen[1]["kind"], &seen[1]["returnedAt"]), (&json!("simulator"), &Value::Null));

    let challenge = order(&server, 2).await;
    let person = server.person(IPHONE);
    let url = go_to_provider(&person, &challenge).await;
    assert_eq!(verifiers(&server).await[0], health("oidc", [at_10, None, None, None], None));
    // Cancelling is the tester's doing.
    server.advance(Duration::from_mins(1));
    person.open(&provider.refuse(&url, "access_denied")).await;
    assert_eq!(verifiers(&server).await[0], health("oidc", [at_10, at_10_01, None, None], None));
    server.advance(Duration::from_mins(1));
    let url = go_to_provider(&person, &challenge).await;
    person.open(&provider.log_in(&server, &url, "199001011234")).await;
    let times = [at_10, at_10_02, at_10_02, None];
    assert_eq!(verifiers(&server).await[0], health("oidc", times, None));
    server.advance(Duration::from_mins(1));
    let other = server.person(IPHONE);
    let url = go_to_provider(&other, &challenge).await;
    other.open(&provider.refuse(&url, "invalid_client")).await;
    let last = health("oidc", [at_10, at_10_03, at_10_02, at_10_03], Some("misconfigured"));
    assert_eq!(verifiers(&server).await[0], last);

    // A server whose challenge service is this one says the same; so does this one after a restart.
    let beside = TestServer::start_beside(&server).await;
    assert_eq!(verifiers(&beside).await[0], last);
    let server = server.restart(|_| {}).await;
    // What somebody else saw before is not the simulator's.
    assert_eq!(verifiers(&server).await[0], health("simulator", [None; 4], None));
    let server = server.restart(|config| provider.configure(config)).await;
    assert_eq!(verifiers(&server).await[0], last);
    let console = crate::console::Person::sign_in(&server, &server.api_key).await;
    let page = console.open(&server, "/console/apps/FK5b0KSM/providers").await;
    for part in ["OpenID Connect", "last discovery", "2026-04-08 10:03 UTC", "misconfigured"] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert!(!page.text.contains("199001011234"));
}

#[tokio::test]
async fn the_providers_page_works_while_nobody_knows_how_it_goes_with_the_verifiers() {
    let server = TestServer::start_with(|config| {
        config.tpas_url = Some("http://127.0.0.1:9".into());
    })
    .await;
    let answer = server.get("/connect/v1/verifiers").send().await;
    answer.expect_error(503, "SYSTEM_UNAVAILABLE");
    let person = crate::console::Person::sign_in(&server, &server.api_key).await;
    let page = person.open(&server, "/console/apps/FK5b0KSM/providers").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("cannot be reached at the moment, so this page"), "{}", page.text);
}
