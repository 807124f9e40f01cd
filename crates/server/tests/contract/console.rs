//! §14: the engineer's console.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::receiver::{Answer, Receiver};
use crate::support::{TESTS, TestResponse, TestServer};

pub(crate) const TESTS_PAGE: &str = "/console/apps/FK5b0KSM";
const FORM: &str = "application/x-www-form-urlencoded";

/// A browser that is signed in: its cookie, and the text that its forms carry.
pub(crate) struct Person {
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl Person {
    pub(crate) async fn sign_in(server: &TestServer, key: &str) -> Self {
        let signed_in = server
            .request("POST", "/console/sign-in")
            .body(FORM, format!("key={key}"))
            .send()
            .await;
        assert_eq!(signed_in.status, 303, "{}", signed_in.text);
        Self::with_cookie_of(server, &signed_in).await
    }

    async fn with_cookie_of(server: &TestServer, signed_in: &TestResponse) -> Self {
        let set = signed_in.header("set-cookie").unwrap();
        for part in ["Path=/console", "Max-Age=43200", "HttpOnly", "SameSite=Lax"] {
            assert!(set.contains(part), "{part} in {set}");
        }
        let cookie = set.split(';').next().unwrap().to_owned();
        let mut person = Self { cookie, csrf: String::new() };
        let page = person.open(server, "/console").await;
        assert_eq!(page.status, 200, "{}", page.text);
        let (_, rest) = page.text.split_once(r#"name="csrf" value=""#).unwrap();
        person.csrf = rest.split('"').next().unwrap().to_owned();
        person
    }

    pub(crate) async fn open(&self, server: &TestServer, path: &str) -> TestResponse {
        let request = server.request("GET", path).header("Accept", "text/html");
        request.header("Cookie", &self.cookie).send().await
    }

    pub(crate) async fn send(&self, server: &TestServer, path: &str, fields: &str) -> TestResponse {
        let body = format!("csrf={}&{fields}", self.csrf);
        let request = server.request("POST", path).header("Accept", "text/html");
        request.header("Cookie", &self.cookie).body(FORM, body).send().await
    }
}

pub(crate) async fn demo() -> (TestServer, Person) {
    let server = TestServer::start().await;
    let person = Person::sign_in(&server, &server.api_key).await;
    (server, person)
}

pub(crate) async fn read_only_key(server: &TestServer) -> Value {
    let body = json!({ "name": "looks", "access": "read_only" });
    server.post("/connect/v1/api-keys").json(&body).send().await.expect(201)
}

/// The path that a redirect leads to.
pub(crate) fn location(response: &TestResponse) -> &str {
    assert_eq!(response.status, 303, "{}", response.text);
    response.header("location").unwrap()
}

#[tokio::test]
async fn a_test_is_ordered_once_however_often_the_form_is_sent() {
    let (server, person) = demo().await;
    let form = person.open(&server, &format!("{TESTS_PAGE}/production-tests/new")).await;
    let (_, rest) = form.text.split_once(r#"name="key" value=""#).unwrap();
    let key = rest.split('"').next().unwrap();
    let fields = format!("key={key}&title=BankID&maxStamps=2&provider=bankidse&provider=mitid");
    let path = format!("{TESTS_PAGE}/production-tests/new");
    let first = person.send(&server, &path, &fields).await;
    let second = person.send(&server, &path, &fields).await;
    assert_eq!(location(&first), location(&second));
    let listed = server.list().await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["request"]["payload"]["providerIds"], json!(["bankidse", "mitid"]));
    let page = person.open(&server, location(&first)).await;
    assert!(page.text.contains("BankID") && page.text.contains("pending"), "{}", page.text);
}

#[tokio::test]
async fn a_form_that_the_api_refuses_says_why_and_keeps_what_was_entered() {
    let (server, person) = demo().await;
    let path = format!("{TESTS_PAGE}/production-tests/new");
    let refused =
        person.send(&server, &path, "key=k&title=Mine&maxStamps=0&provider=bankidse").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("maxStamps must be an integer"), "{}", refused.text);
    assert!(refused.text.contains(r#"value="Mine""#), "{}", refused.text);
    assert_eq!(server.list().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_test_is_raised_cancelled_and_retried_with_the_rules_of_the_api() {
    let (server, person) = demo().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x", "maxStamps": 1 })).await;
    assert_eq!(server.join_and_verify(&challenge, "bankidse", "Ada").await, "claimed");
    server.run_background_tasks().await;
    let page = format!("{TESTS_PAGE}/production-tests/{challenge}");
    let shown = person.open(&server, &page).await;
    assert!(shown.text.contains("1 of 1") && shown.text.contains("complete"), "{}", shown.text);

    location(&person.send(&server, &format!("{page}/update"), "maxStamps=3&days=").await);
    let shown = person.open(&server, &page).await;
    assert!(shown.text.contains("1 of 3"), "{}", shown.text);
    let refused = person.send(&server, &format!("{page}/update"), "maxStamps=2&days=").await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("maxStamps can only grow: it is 3."), "{}", refused.text);

    location(&person.send(&server, &format!("{page}/cancel"), "").await);
    assert_eq!(server.show(&challenge).await["challenge"]["isActive"], false);
    let refused = person.send(&server, &format!("{page}/retry"), "").await;
    assert_eq!(refused.status, 409);
}

#[tokio::test]
async fn the_report_and_the_outcomes_are_downloads() {
    let (server, person) = demo().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let request = server.show(&challenge).await["id"].as_str().unwrap().to_owned();
    let page = format!("{TESTS_PAGE}/production-tests/{request}");
    let report = person.open(&server, &format!("{page}/report.json")).await;
    assert_eq!(report.expect(200), server.report(&challenge).await);
    let csv = person.open(&server, &format!("{page}/outcomes.csv")).await;
    assert_eq!((csv.status, csv.text.lines().count()), (200, 3 + 6), "{}", csv.text);
    let disposition = csv.header("content-disposition").unwrap();
    assert!(disposition.starts_with("attachment;"), "{disposition}");
}

#[tokio::test]
async fn a_form_without_the_text_of_its_session_or_from_another_site_changes_nothing() {
    let (server, person) = demo().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let path = format!("{TESTS_PAGE}/production-tests/{challenge}/cancel");
    let other = Person::sign_in(&server, &server.api_key).await;
    let forged = [
        String::new(),
        "csrf=".into(),
        format!("csrf={}", other.csrf),
        format!("csrf={}x", person.csrf),
    ];
    for body in forged {
        let request = server.request("POST", &path).header("Cookie", &person.cookie);
        request.body(FORM, body).send().await.expect_error(403, "AUTH_FORBIDDEN");
    }
    for (name, value) in [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")] {
        let body = format!("csrf={}", person.csrf);
        let request = server.request("POST", &path).header("Cookie", &person.cookie);
        let refused = request.header(name, value).body(FORM, body).send().await;
        refused.expect_error(403, "AUTH_FORBIDDEN");
        let sign_in = server.request("POST", "/console/sign-in").header(name, value);
        let sign_in = sign_in.body(FORM, format!("key={}", server.api_key)).send().await;
        sign_in.expect_error(403, "AUTH_FORBIDDEN");
    }
    assert_eq!(server.show(&challenge).await["challenge"]["isActive"], true);
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours_by_signing_out_and_with_its_key() {
    let (server, person) = demo().await;
    assert_eq!(person.open(&server, "/console").await.status, 200);

    let leaving = Person::sign_in(&server, &server.api_key).await;
    let signed_out = leaving.send(&server, "/console/sign-out", "").await;
    assert_eq!(location(&signed_out), "/console/sign-in");
    assert!(signed_out.header("set-cookie").unwrap().contains("Max-Age=0"));
    location(&leaving.open(&server, "/console").await);

    let made = read_only_key(&server).await;
    let reader = Person::sign_in(&server, made["secret"].as_str().unwrap()).await;
    let path = format!("/connect/v1/api-keys/{}", made["id"].as_str().unwrap());
    server.authorized("DELETE", &path).send().await.expect(200);
    let shut_out = reader.open(&server, TESTS_PAGE).await;
    assert_eq!(location(&shut_out), format!("/console/sign-in?next={TESTS_PAGE}"));

    server.advance(Duration::from_hours(12));
    location(&person.open(&server, "/console").await);
}

#[tokio::test]
async fn a_link_signs_in_once_within_a_minute() {
    let server = TestServer::start().await;
    let link = async || {
        let made = server.post("/connect/v1/console-links").send().await.expect(201);
        let url = made["url"].as_str().unwrap().to_owned();
        url.strip_prefix(&server.url).unwrap().to_owned()
    };
    let path = link().await;
    let signed_in = server.request("GET", &path).send().await;
    assert_eq!(location(&signed_in), "/console");
    Person::with_cookie_of(&server, &signed_in).await;
    let again = server.request("GET", &path).send().await;
    assert_eq!((again.status, again.header("set-cookie")), (400, None));
    let late = link().await;
    server.advance(Duration::from_mins(1));
    assert_eq!(server.request("GET", &late).send().await.status, 400);
}

#[tokio::test]
async fn what_is_no_valid_key_does_not_sign_in() {
    let server = TestServer::start().await;
    let other_environment = server.api_key.replace("_test_", "_prod_");
    for key in ["", "hunter2", &other_environment] {
        let refused = server
            .request("POST", "/console/sign-in")
            .body(FORM, format!("key={key}"))
            .send()
            .await;
        assert_eq!((refused.status, refused.header("set-cookie")), (401, None), "{key}");
        assert!(key.is_empty() || !refused.text.contains(key), "{}", refused.text);
    }
}

#[tokio::test]
async fn attempts_to_sign_in_are_limited_by_address() {
    let server = TestServer::start().await;
    let attempt =
        async || server.request("POST", "/console/sign-in").body(FORM, "key=guess").send().await;
    for _ in 0..20 {
        assert_eq!(attempt().await.status, 401);
    }
    attempt().await.expect_error(429, "RATE_LIMIT_EXCEEDED");
    server.advance(Duration::from_secs(6));
    assert_eq!(attempt().await.status, 401);
}

#[tokio::test]
async fn a_shared_link_shows_one_test_until_it_is_revoked_or_expires() {
    let (server, person) = demo().await;
    let challenge = server.order_and_schedule(&json!({ "title": "Shared" })).await;
    let page = format!("{TESTS_PAGE}/production-tests/{challenge}");
    let share = async |days: u32| {
        let made = person.send(&server, &format!("{page}/share"), &format!("days={days}")).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let (_, rest) = made.text.split_once("/console/shared/").unwrap();
        let token: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
        format!("/console/shared/{token}")
    };
    let open =
        async |path: &str| server.request("GET", path).header("Accept", "text/html").send().await;
    let (short, long) = (share(1).await, share(7).await);
    let shown = open(&short).await;
    assert_eq!(shown.status, 200);
    assert!(shown.text.contains("Shared") && !shown.text.contains("<form"), "{}", shown.text);
    server.advance(Duration::from_hours(24));
    assert_eq!(open(&short).await.status, 404);
    assert_eq!(open(&long).await.status, 200);

    // The token itself is on no page any more: its link is revoked by its hash.
    let person = Person::sign_in(&server, &server.api_key).await;
    let shown = person.open(&server, &page).await;
    assert!(!shown.text.contains(long.rsplit('/').next().unwrap()));
    let (_, rest) = shown.text.split_once(r#"name="link" value=""#).unwrap();
    let hash = rest.split('"').next().unwrap();
    location(&person.send(&server, &format!("{page}/share/revoke"), &format!("link={hash}")).await);
    assert_eq!(open(&long).await.status, 404);
}

#[tokio::test]
async fn a_key_is_made_shown_once_and_revoked() {
    let (server, person) = demo().await;
    let made = person.send(&server, "/console/keys", "name=CI&access=read_only&days=1").await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (_, rest) = made.text.split_once("sk_workspace_test_").unwrap();
    let rest: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    let secret = format!("sk_workspace_test_{rest}");
    server.request("GET", TESTS).bearer(&secret).send().await.expect(200);
    let shown = person.open(&server, "/console/keys").await;
    assert!(shown.text.contains("CI") && !shown.text.contains(&secret), "{}", shown.text);
    let keys = server.get("/connect/v1/api-keys").send().await.expect(200);
    let id = keys[1]["id"].as_str().unwrap();
    location(&person.send(&server, &format!("/console/keys/{id}/revoke"), "").await);
    let refused = server.request("GET", TESTS).bearer(&secret).send().await;
    refused.expect_error(401, "AUTH_INVALID_CREDENTIALS");
}

#[tokio::test]
async fn a_webhook_is_configured_tried_and_its_deliveries_are_shown() {
    let receiver = Receiver::start(&[Answer::Status(200)]).await;
    let server = TestServer::start_with(|config| {
        config.webhook_allow = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let person = Person::sign_in(&server, &server.api_key).await;
    let page = format!("{TESTS_PAGE}/webhooks");
    let refused = person.send(&server, &page, "url=http://10.0.0.1/h&timeoutSeconds=5").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("url must be a URL of a public address."), "{}", refused.text);
    let fields = format!("url={}&enabled=yes&timeoutSeconds=5", receiver.url);
    location(&person.send(&server, &page, &fields).await);
    let tried = person.send(&server, &format!("{page}/test"), "").await;
    assert!(tried.text.contains("The receiver: 200 after"), "{}", tried.text);
    server.order_and_schedule(&json!({ "title": "x" })).await;
    server.run_background_tasks().await;
    let shown = person.open(&server, &page).await;
    assert!(shown.text.contains("production_test.scheduled"), "{}", shown.text);
    assert!(shown.text.contains("delivered"), "{}", shown.text);
    location(&person.send(&server, &format!("{page}/1/redeliver"), "").await);
    server.run_background_tasks().await;
    assert_eq!(receiver.delivered().len(), 3);
}
