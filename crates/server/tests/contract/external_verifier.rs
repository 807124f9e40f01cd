//! §5, §10: the relying party's own login as the verifier, and providers that nobody verifies.

use std::time::Duration;

use domain::{ClockAndRng, Environment};
use serde_json::{Value, json};
use server::{Config, Server};

use crate::support::person::{IPHONE, link_with};
use crate::support::{TestServer, VERIFIERS, id_of, tests_of};
use crate::verification_events::report;

/// Where the tester is sent: the participation and the state that were added.
async fn follow(server: &TestServer, joined: &Value) -> (String, String) {
    let start = joined["verificationUrl"].as_str().unwrap();
    let response = server.request("GET", start).send().await;
    assert_eq!(response.status, 303, "{}", response.text);
    let url = response.header("location").unwrap().to_owned();
    let (_, query) = url.split_once("https://bank.example/login?").expect("the configured URL");
    let (participation, state) = query.split_once("&state=").unwrap();
    (participation.replace("participation=", ""), state.to_owned())
}

fn completed(participation: &str, state: &str, subject: &str) -> Value {
    json!({ "event": "verification.completed",
        "data": { "participationId": participation, "state": state, "subject": subject } })
}

/// A sandbox in which the relying party verifies testers itself.
async fn start() -> TestServer {
    TestServer::start_with(|config| config.verifiers = Some(VERIFIERS.into())).await
}

async fn ordered(server: &TestServer) -> String {
    server.order_and_schedule(&json!({ "title": "x", "providerIds": ["bankidse"] })).await
}

#[tokio::test]
async fn the_relying_party_reports_the_outcome_with_the_state_that_was_sent_along() {
    let server = start().await;
    let challenge = ordered(&server).await;
    let joined = server.join(&challenge, "bankidse").send().await.expect(201);
    let (participation, state) = follow(&server, &joined).await;
    assert_eq!(participation, id_of(&joined));
    let now = server.now();

    let without = json!({ "event": "verification.completed",
        "data": { "participationId": participation, "subject": "Ada" } });
    let error = report(&server, now, &without).await;
    let error = error.expect_error(400, "VALIDATION_MISSING_PARAMETER");
    assert_eq!(error["details"]["parameter"], "data.state");
    let forged = completed(&participation, "x", "Ada");
    report(&server, now, &forged).await.expect_error(409, "RESOURCE_CONFLICT");

    let event = completed(&participation, &state, "Ada");
    assert_eq!(report(&server, now, &event).await.expect(200)["status"], "claimed");
    // Delivered again, it changes nothing.
    assert_eq!(report(&server, now, &event).await.expect(200)["status"], "claimed");
}

#[tokio::test]
async fn a_state_is_good_for_its_own_participation_and_for_ten_minutes() {
    let server = start().await;
    let challenge = ordered(&server).await;
    let mine = server.join(&challenge, "bankidse").send().await.expect(201);
    let theirs = server.join(&challenge, "bankidse").send().await.expect(201);
    let (_, their_state) = follow(&server, &theirs).await;
    let (id, state) = follow(&server, &mine).await;
    let event = completed(&id, &their_state, "Ada");
    report(&server, server.now(), &event).await.expect_error(409, "RESOURCE_CONFLICT");
    server.advance(Duration::from_mins(10));
    let event = completed(&id, &state, "Ada");
    report(&server, server.now(), &event).await.expect_error(409, "RESOURCE_CONFLICT");
    // Who begins again has a new state.
    let (_, state) = follow(&server, &mine).await;
    let event = completed(&id, &state, "Ada");
    assert_eq!(report(&server, server.now(), &event).await.expect(200)["status"], "claimed");
}

#[tokio::test]
async fn the_testers_page_leads_to_the_relying_partys_login() {
    let server = start().await;
    let challenge = ordered(&server).await;
    let page = server.person(IPHONE).begin(&challenge, "bankidse").await;
    let start = link_with(&page, "/verifications/");
    let response = server.request("GET", &start).send().await;
    assert!(response.header("location").unwrap().starts_with("https://bank.example/login?"));
}

#[tokio::test]
async fn what_nobody_verifies_cannot_be_ordered() {
    let server = TestServer::start_with(|config| {
        config.environment = Environment::Production;
    })
    .await;
    let (workspace, key) = server.create_workspace().await;
    server.create_app(&workspace, "Producti", &["bankidse"]).await;
    let order = json!({ "title": "x", "providerIds": ["bankidse"] });
    let request = server.request("POST", &tests_of("Producti")).bearer(&key).json(&order);
    let error = request.send().await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    let refused = json!([{ "providerId": "bankidse", "reason": "not_available" }]);
    assert_eq!(error["details"]["providers"], refused);
}

#[tokio::test]
async fn a_wrong_verifiers_file_stops_the_start_and_names_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("verifiers.toml");
    std::fs::write(&path, "[bankidse]\nkind = \"external\"\n").unwrap();
    let config = Config {
        data_dir: folder.path().join("data"),
        listen: "127.0.0.1:0".parse().unwrap(),
        verifiers: Some(path),
        ..Config::default()
    };
    let started = Server::start(config, ClockAndRng::system().unwrap()).await;
    let error = started.err().expect("the file is wrong").to_string();
    assert!(error.contains("verifiers.toml: line 1: "), "{error}");
}
