//! §13: starting and stopping.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use domain::{ClockAndRng, SeededRandomness, SystemClock};
use serde_json::json;
use server::{Config, Server, StartError};
use tokio::net::TcpStream;

use crate::support::fake_challenge_service::{Behavior, FakeChallengeService};
use crate::support::{RawRequest, Store, TESTS, TestDatabase, TestServer, eventually};

/// Starts a server with the system's clock.
pub(crate) async fn try_start(config: Config) -> Result<Server, StartError> {
    let randomness = Arc::new(SeededRandomness::from_seed(2));
    Server::start(config, ClockAndRng::new(Arc::new(SystemClock), randomness)).await
}

/// Why a server does not start.
pub(crate) async fn start_error(config: Config) -> String {
    try_start(config).await.err().expect("the start fails").to_string()
}

/// Checks that only the owner of this file can read and write it.
#[track_caller]
pub(crate) fn assert_private(file: &Path) {
    let mode = std::fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{}", file.display());
}

#[tokio::test]
async fn a_server_refuses_tables_of_a_newer_version() {
    let database = TestServer::start().await.stop().await;
    let sql = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        SELECT 99, 'of_the_future', applied_on, checksum FROM refinery_schema_history LIMIT 1
        RETURNING version";
    assert_eq!(database.rows(Store::Workspace, sql).await.len(), 1);
    let error = start_error(database.config()).await;
    assert!(error.contains("newer fieldtest"), "{error}");
}

#[tokio::test]
async fn contradicting_options_are_refused_and_named() {
    let server = TestServer::start().await;
    let scheduler_without_service: fn(&mut Config) =
        |config| config.roles = "api,scheduler".parse().unwrap();
    for (change, expected) in [
        (scheduler_without_service, "--tpas-url"),
        (|config| config.tpas_url = Some("http://127.0.0.1:1".into()), "--tpas-token"),
        (
            |config| config.catalogue = Some("/nonexistent/catalogue.toml".into()),
            "/nonexistent/catalogue.toml",
        ),
    ] {
        let mut config = server.database().config();
        change(&mut config);
        let error = start_error(config).await;
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn files_with_secrets_are_private_and_the_demo_is_created_once() {
    let server = TestServer::start().await;
    let key = server.api_key.clone();
    for file in ["secret-key", "demo-api-key"] {
        assert_private(&server.database().data_dir().join(file));
    }
    let server = server.restart(|_| {}).await;
    assert_eq!(server.api_key, key);
    server.get(TESTS).send().await.expect(200);
}

#[tokio::test]
async fn a_database_belongs_to_one_environment() {
    let database = TestServer::start_in_production().await.stop().await;
    let error = start_error(database.config()).await;
    assert!(error.contains("--environment production") && error.contains("sandbox"), "{error}");
}

#[tokio::test]
async fn a_secret_that_an_editor_has_touched_is_the_same() {
    let database = TestServer::start().await.stop().await;
    let file = database.data_dir().join("secret-key");
    let secret = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("\u{feff}{secret}\r\n")).unwrap();
    TestServer::start_on(database, |_| {}).await;
}

#[tokio::test]
async fn an_empty_file_is_not_accepted_as_a_secret() {
    for file in ["secret-key", "verification-secret"] {
        let server = TestServer::start_with(|config| config.verification_secret = None).await;
        let database = server.stop().await;
        std::fs::write(database.data_dir().join(file), "\n").unwrap();
        let error = start_error(database.config()).await;
        assert!(error.contains(file) && error.contains("64 hexadecimal digits"), "{error}");
    }
}

#[tokio::test]
async fn the_key_of_the_demo_is_shown_by_the_first_start_that_succeeds() {
    let database = TestDatabase::new().await;
    let occupied = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = database.config();
    config.listen = occupied.local_addr().unwrap();
    let error = try_start(config.clone()).await.err().expect("the port is in use");
    assert!(matches!(error, StartError::Listen { .. }), "{error}");
    config.listen = "127.0.0.1:0".parse().unwrap();
    assert!(try_start(config).await.unwrap().demo().is_some());
}

#[tokio::test]
async fn production_and_a_sandbox_without_the_option_have_no_demo() {
    let sandbox = TestServer::start_with(|config| config.demo = false).await;
    for server in [sandbox, TestServer::start_in_production().await] {
        assert!(!server.database().data_dir().join("demo-api-key").exists());
        assert_eq!(server.database().count(Store::Workspace, "workspaces").await, 0);
    }
}

#[tokio::test]
async fn a_stopping_server_finishes_requests_in_flight_and_accepts_no_new_connections() {
    let server = TestServer::start().await;
    let address = server.address().to_owned();
    let body = r#"{"title":"BankID"}"#;
    let expect = [("Expect", "100-continue")];
    let mut request = RawRequest::send_head(&server, &expect, body.len()).await;
    request.expect_continue().await;

    let stopping = tokio::spawn(server.stop());
    eventually("the listener is closed", async || TcpStream::connect(&address).await.is_err())
        .await;
    request.send_body(body).await;
    let response = request.response().await;
    assert!(response.starts_with("HTTP/1.1 201"), "{response}");
    let database = stopping.await.unwrap();
    assert_eq!(database.count(Store::Workspace, "challenge_requests").await, 1);
}

#[tokio::test]
async fn a_stopping_server_releases_its_leases() {
    let hanging = FakeChallengeService::start(&[Behavior::Hang]).await;
    let server = hanging.server_with_periodic_tasks().await;
    server.order(&json!({ "title": "x" })).await.expect(201);
    hanging.attempt_begins().await;
    let database = server.stop().await;
    let sql = "SELECT status, leased_by FROM challenge_requests";
    let rows = database.rows(Store::Workspace, sql).await;
    assert_eq!(rows, [[Some("pending".to_owned()), None]]);
}

#[tokio::test]
async fn a_server_has_the_routes_of_its_roles_only() {
    let server = TestServer::start_with(|config| config.roles = "tpas".parse().unwrap()).await;
    server.request("GET", "/tpas/v1/challenges/open").send().await.expect(200);
    server.request("GET", "/docs").send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    server.get(TESTS).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    server.request("GET", "/readyz").send().await.expect(200);
}
