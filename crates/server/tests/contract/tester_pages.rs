//! §14: the testers' pages.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::person::{ANDROID, COMPUTER, IPHONE, link_with};
use crate::support::{APP, TestResponse, TestServer};

fn assert_says(page: &TestResponse, status: u16, texts: &[&str]) {
    assert_eq!(
        (page.status, page.header("content-type")),
        (status, Some("text/html; charset=utf-8"))
    );
    for text in texts {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

async fn ordered(server: &TestServer, order: &Value) -> String {
    server.order_and_schedule(order).await
}

fn one_stamp() -> Value {
    json!({ "title": "BankID SE Test", "providerIds": ["bankidse"], "maxStamps": 1 })
}

#[tokio::test]
async fn the_link_says_who_asks_for_what_until_when_and_what_is_kept() {
    let server = TestServer::start().await;
    let order = json!({ "title": "<Bank & ID>", "description": "Log in.",
        "providerIds": ["bankidse", "mitid"], "targetPlatform": "ios", "maxStamps": 3 });
    let challenge = ordered(&server, &order).await;
    let page = server.person(IPHONE).open(&format!("/t/{challenge}")).await;
    assert_says(
        &page,
        200,
        &[
            "&lt;Bank &amp; ID&gt;",
            "Log in.",
            "Acme Bank",
            "Start with BankID SE",
            "Start with MitID",
            "3 of 3",
            "2026-04-15 23:59 UTC",
            "What is kept of you",
            "og:title",
            "og:description",
        ],
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("set-cookie"), None, "looking leaves nothing behind");
}

#[tokio::test]
async fn a_person_gets_a_stamp_and_a_second_one_is_told_that_it_is_over() {
    let server = TestServer::start().await;
    let challenge = ordered(&server, &one_stamp()).await;
    let first = server.person(IPHONE);
    let page = first.begin(&challenge, "bankidse").await;
    assert_says(&page, 200, &["Continue to BankID SE", "Waiting for BankID SE", "data-poll"]);

    let verification = link_with(&page, "/tpas/v1/simulator/");
    let page = first.submit(&verification, "outcome=completed&subject=Ada").await;
    assert_says(&page, 200, &["Stamp granted"]);
    assert!(!page.text.contains("Try again"), "{}", page.text);
    // The link leads back to the result, on every reload.
    let again = first.open(&format!("/t/{challenge}")).await;
    assert_says(&again, 200, &["All stamps are granted", "✓ BankID SE: stamp granted"]);

    let second = server.person(IPHONE).begin(&challenge, "bankidse").await;
    assert_says(&second, 200, &["All stamps are granted", "Thank you"]);
    assert!(!second.text.contains("<form"), "{}", second.text);
}

#[tokio::test]
async fn a_person_who_cancels_may_try_again() {
    let server = TestServer::start().await;
    let challenge = ordered(&server, &one_stamp()).await;
    let person = server.person(IPHONE);
    let page = person.take(&challenge, "outcome=cancelled&subject=").await;
    assert_says(&page, 200, &["You cancelled at the eID", "Try again"]);
    let page = person.take(&challenge, "outcome=completed&subject=Ada").await;
    assert_says(&page, 200, &["Stamp granted"]);
}

/// Says where the app's testers may go on.
async fn set_return_uris(server: &TestServer, success: &str, failure: &str) {
    let change =
        json!({ "defaultSuccessRedirectUri": success, "defaultFailureRedirectUri": failure });
    server.authorized("PATCH", APP).json(&change).send().await.expect(200);
}

/// The place where the link to the app leads on a page.
fn continues_to(page: &TestResponse) -> Option<&str> {
    let before = page.text.split(">Continue to Acme Bank<").next().filter(|it| *it != page.text)?;
    before.rsplit("href=\"").next()?.split('"').next()
}

#[tokio::test]
async fn after_a_participation_a_tester_may_go_on_to_where_the_app_said_at_the_hand_over() {
    let server = TestServer::start().await;
    let challenge_before = ordered(&server, &one_stamp()).await;
    set_return_uris(&server, "https://bank.example/thanks?a=1", "https://bank.example/help").await;
    let challenge = ordered(&server, &one_stamp()).await;
    set_return_uris(&server, "https://later.example/", "").await;
    let person = server.person(IPHONE);
    let waiting = person.begin(&challenge, "bankidse").await;
    assert_eq!(continues_to(&waiting), None, "it has not ended");
    let failed = person.take(&challenge, "outcome=cancelled&subject=").await;
    assert_says(&failed, 200, &["Try again"]);
    assert_eq!(continues_to(&failed), Some("https://bank.example/help"));
    let claimed = person.take(&challenge, "outcome=completed&subject=Ada").await;
    assert_eq!(continues_to(&claimed), Some("https://bank.example/thanks?a=1"));
    let before = server.person(IPHONE);
    let claimed = before.take(&challenge_before, "outcome=completed&subject=Ada").await;
    assert_says(&claimed, 200, &["Stamp granted"]);
    assert_eq!(continues_to(&claimed), None, "the app said nothing then");
}

#[tokio::test]
async fn where_a_tester_goes_on_travels_to_a_challenge_service_elsewhere() {
    let service = TestServer::start().await;
    let server = TestServer::start_beside(&service).await;
    set_return_uris(&server, "https://bank.example/thanks", "com.bank.app://help").await;
    let challenge = ordered(&server, &one_stamp()).await;
    let person = service.person(IPHONE);
    let failed = person.take(&challenge, "outcome=cancelled&subject=").await;
    assert_eq!(continues_to(&failed), Some("com.bank.app://help"));
    let claimed = person.take(&challenge, "outcome=completed&subject=Ada").await;
    assert_eq!(continues_to(&claimed), Some("https://bank.example/thanks"));
}

#[tokio::test]
async fn a_blank_name_is_asked_for_again_on_the_page() {
    let server = TestServer::start().await;
    let challenge = ordered(&server, &one_stamp()).await;
    let person = server.person(IPHONE);
    let page = person.take(&challenge, "outcome=completed&subject=+").await;
    assert_says(&page, 400, &["role=\"alert\"", "Say who you are", "Confirm my identity"]);
}

#[tokio::test]
async fn what_one_person_begins_twice_is_begun_once() {
    let server = TestServer::start().await;
    let challenge = ordered(&server, &one_stamp()).await;
    let person = server.person(IPHONE);
    let first = person.begin(&challenge, "bankidse").await;
    let second = person.begin(&challenge, "bankidse").await;
    let verification = "/tpas/v1/simulator/";
    assert_eq!(link_with(&first, verification), link_with(&second, verification));
    let page = person.open(&format!("/t/{challenge}")).await;
    assert_says(&page, 200, &["Go on with BankID SE"]);
    assert_eq!(server.report(&challenge).await["stats"]["totalParticipations"], 1);
}

#[tokio::test]
async fn a_participation_is_shown_to_its_own_browser_only() {
    let server = TestServer::start().await;
    let challenge = ordered(&server, &one_stamp()).await;
    let page = server.person(IPHONE).begin(&challenge, "bankidse").await;
    let own = page.text.split("data-poll=\"").nth(1).unwrap().split("/state").next().unwrap();
    let stranger = server.person(IPHONE);
    for path in [own.to_owned(), format!("{own}/state")] {
        assert_says(&stranger.open(&path).await, 404, &["began in another browser"]);
    }
}

#[tokio::test]
async fn a_waiting_page_learns_that_its_state_has_changed() {
    let server = TestServer::start().await;
    let challenge = ordered(&server, &one_stamp()).await;
    let person = server.person(IPHONE);
    let page = person.begin(&challenge, "bankidse").await;
    let poll = page.text.split("data-poll=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(person.open(poll).await.expect(200), json!({ "state": "started" }));
    // Where scripts are off, the page loads itself again.
    assert!(page.text.contains("<noscript><meta http-equiv=\"refresh\""), "{}", page.text);
    server.advance(Duration::from_mins(15));
    assert_eq!(person.open(poll).await.expect(200), json!({ "state": "lapsed" }));
    let own = poll.strip_suffix("/state").unwrap();
    assert_says(&person.open(own).await, 200, &["Time is up", "Try again"]);
}

#[tokio::test]
async fn each_ending_is_told_as_it_is() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["bankidse"], "maxStamps": 2 });
    let challenge = ordered(&server, &order).await;
    let early = server.person(IPHONE);
    let waiting = early.begin(&challenge, "bankidse").await;
    let verification = link_with(&waiting, "/tpas/v1/simulator/");
    server.cancel(&challenge).await.expect(200);

    let page = server.person(IPHONE).open(&format!("/t/{challenge}")).await;
    assert_says(&page, 200, &["This test was called off"]);
    let page = early.submit(&verification, "outcome=completed&subject=Ada").await;
    assert_says(&page, 200, &["Verified, but the test was called off"]);

    let expired = ordered(&server, &order).await;
    server.advance(Duration::from_hours(24 * 8));
    let page = server.person(IPHONE).open(&format!("/t/{expired}")).await;
    assert_says(&page, 200, &["This test is over"]);
}

#[tokio::test]
async fn the_same_person_in_another_browser_is_counted_already() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["bankidse"], "maxStamps": 2 });
    let challenge = ordered(&server, &order).await;
    let form = "outcome=completed&subject=Ada";
    assert_says(&server.person(IPHONE).take(&challenge, form).await, 200, &["Stamp granted"]);
    let page = server.person(ANDROID).take(&challenge, form).await;
    assert_says(&page, 200, &["You are counted already"]);
}

#[tokio::test]
async fn a_test_for_another_phone_says_so() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["bankidse"], "targetPlatform": "ios" });
    let challenge = ordered(&server, &order).await;
    let page = server.person(ANDROID).open(&format!("/t/{challenge}")).await;
    assert_says(&page, 200, &["This test is for an iPhone", "data-copy"]);
    assert!(!page.text.contains("<form"), "{}", page.text);
}

#[tokio::test]
async fn a_computer_gets_a_qr_code_and_a_choice_of_phone() {
    let server = TestServer::start().await;
    let challenge = ordered(&server, &one_stamp()).await;
    let person = server.person(COMPUTER);
    let page = person.open(&format!("/t/{challenge}")).await;
    let link = format!("{}/t/{challenge}", server.url);
    assert_says(&page, 200, &["<svg class=\"qr\"", &link, "Which phone has your eID?"]);
    let path = format!("/t/{challenge}/participations");
    let unchosen = person.submit(&path, "provider=bankidse").await;
    assert_says(&unchosen, 400, &["role=\"alert\"", "Choose the phone"]);
    let chosen = person.submit(&path, "provider=bankidse&platform=android").await;
    assert_says(&chosen, 200, &["Continue to BankID SE"]);
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let server = TestServer::start().await;
    let challenge = ordered(&server, &one_stamp()).await;
    let request = server.request("POST", &format!("/t/{challenge}/participations"));
    let request = request.header("Sec-Fetch-Site", "cross-site");
    let form = "provider=bankidse&platform=ios";
    let response = request.body("application/x-www-form-urlencoded", form).send().await;
    response.expect_error(403, "AUTH_FORBIDDEN");
    assert_eq!(server.report(&challenge).await["stats"]["totalParticipations"], 0);
}

#[tokio::test]
async fn errors_are_pages_for_people_and_envelopes_for_programs() {
    let server = TestServer::start().await;
    let person = server.person(IPHONE);
    for path in ["/t/ch_nonsense", "/t/ch_00000000-0000-7000-8000-000000000000", "/nowhere"] {
        let page = person.open(path).await;
        let id = page.header("x-request-id").unwrap().to_owned();
        assert_says(&page, 404, &["Nothing here", &id]);
        server.request("GET", path).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    }
    let api = person.open("/connect/v1/workspace").await;
    api.expect_error(401, "AUTH_INVALID_CREDENTIALS");
}

#[tokio::test]
async fn the_api_address_of_a_challenge_leads_a_browser_to_its_page() {
    let server = TestServer::start().await;
    let challenge = ordered(&server, &one_stamp()).await;
    let path = format!("/tpas/v1/challenges/{challenge}");
    assert_says(&server.person(IPHONE).open(&path).await, 200, &["Start with BankID SE"]);
    server.request("GET", &path).send().await.expect_error(401, "AUTH_INVALID_CREDENTIALS");
}

#[tokio::test]
async fn the_welcome_page_lists_open_tests_as_cards() {
    let server = TestServer::start().await;
    let person = server.person(IPHONE);
    assert_says(&person.open("/").await, 200, &["No test is open at the moment", "/docs"]);
    let challenge = ordered(&server, &one_stamp()).await;
    let link = format!("href=\"/t/{challenge}\"");
    for path in ["/", "/t"] {
        assert_says(
            &person.open(path).await,
            200,
            &[&link, "BankID SE Test", "1 of 1 stamps left"],
        );
    }
}

#[tokio::test]
async fn what_pages_load_is_kept_by_browsers_and_small() {
    let server = TestServer::start().await;
    let person = server.person(IPHONE);
    let page = person.open("/").await;
    let mut bytes = page.text.len();
    for part in ["/assets/style-", "/assets/script-"] {
        let start = page.text.find(part).expect("the page loads it");
        let path = page.text[start..].split('"').next().unwrap();
        let asset = person.open(path).await;
        assert_eq!(asset.status, 200);
        assert!(asset.header("cache-control").unwrap().contains("immutable"));
        bytes += asset.text.len();
    }
    assert!(bytes < 50 * 1024, "{bytes} bytes");
}
