//! §13: starting, stopping, and what is left behind.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use domain::{ClockAndRng, SeededRandomness, SystemClock};
use serde_json::json;
use server::{Config, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::fake_service::{FakeService, Reaction};
use crate::support::{Ground, TESTS, Tables, TestServer};

fn clock_and_rng() -> ClockAndRng {
    ClockAndRng::new(Arc::new(SystemClock), Arc::new(SeededRandomness::from_seed(2)))
}

#[tokio::test]
async fn tables_of_a_newer_version_are_left_alone() {
    let ground = TestServer::start().await.stop().await;
    let sql = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        SELECT 99, 'of_the_future', applied_on, checksum FROM refinery_schema_history LIMIT 1 RETURNING version";
    assert_eq!(ground.rows(Tables::Connect, sql).await.len(), 1);
    let error = Server::start(ground.config(), clock_and_rng()).await.err().unwrap().to_string();
    assert!(error.contains("newer fieldtest"), "{error}");
}

#[tokio::test]
async fn options_that_do_not_go_together_are_refused() {
    let site = TestServer::start().await;
    for (change, expected) in [
        (
            (|config| config.roles = "api,scheduler".parse().unwrap()) as fn(&mut Config),
            "--tpas-url",
        ),
        (|config| config.tpas_url = Some("http://127.0.0.1:1".into()), "--tpas-token"),
        (
            |config| config.catalogue = Some("/nonexistent/catalogue.toml".into()),
            "/nonexistent/catalogue.toml",
        ),
    ] {
        let mut config = site.ground().config();
        change(&mut config);
        let error = Server::start(config, clock_and_rng()).await.err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn secrets_are_kept_private_and_the_demo_is_made_once() {
    let site = TestServer::start().await;
    let key = site.api_key.clone();
    for file in ["secret-key", "demo-api-key"] {
        let mode = std::fs::metadata(site.data_dir().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let site = site.restart(|_| {}).await;
    assert_eq!(site.api_key, key);
    site.get(TESTS).send().await.expect(200);
}

#[tokio::test]
async fn a_database_is_one_environments_for_good() {
    let ground =
        TestServer::configured(|config| config.environment = domain::Environment::Production)
            .await
            .stop()
            .await;
    let error = Server::start(ground.config(), clock_and_rng()).await.err().unwrap().to_string();
    assert!(error.contains("--environment production") && error.contains("sandbox"), "{error}");
}

#[tokio::test]
async fn a_secret_that_was_emptied_is_not_a_secret() {
    for file in ["secret-key", "verification-secret"] {
        let ground =
            TestServer::configured(|config| config.verification_secret = None).await.stop().await;
        std::fs::write(ground.path().join(file), "\n").unwrap();
        let error =
            Server::start(ground.config(), clock_and_rng()).await.err().unwrap().to_string();
        assert!(error.contains(file) && error.contains("64 hexadecimal digits"), "{error}");
    }
}

#[tokio::test]
async fn a_start_that_failed_has_not_shown_the_demos_key_to_nobody() {
    let ground = Ground::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = ground.config();
    config.listen = taken.local_addr().unwrap();
    assert!(Server::start(config.clone(), clock_and_rng()).await.is_err());
    config.listen = "127.0.0.1:0".parse().unwrap();
    assert!(Server::start(config, clock_and_rng()).await.unwrap().demo().is_some());
}

#[tokio::test]
async fn no_demo_where_it_is_not_wanted() {
    let unwanted = TestServer::configured(|config| config.demo = false).await;
    assert!(!unwanted.data_dir().join("demo-api-key").exists());
    let production =
        TestServer::configured(|config| config.environment = domain::Environment::Production).await;
    assert!(!production.data_dir().join("demo-api-key").exists());
}

#[tokio::test]
async fn a_stopping_server_finishes_the_request_that_is_in_flight_and_takes_no_other() {
    let site = TestServer::start().await;
    let address = site.url.trim_start_matches("http://").to_owned();
    let body = r#"{"title":"BankID"}"#;
    let head = format!(
        "POST {TESTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        site.api_key,
        body.len()
    );
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body: the request is in flight.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");

    let stopping = tokio::spawn(site.stop());
    while TcpStream::connect(&address).await.is_ok() {}
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");

    let ground = stopping.await.unwrap();
    let stored = ground.value(Tables::Connect, "SELECT COUNT(*) FROM challenge_requests").await;
    assert_eq!(stored.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_stopping_server_gives_its_leases_back() {
    let silent = FakeService::start(None, &[Reaction::Silence]).await;
    let url = silent.url.clone();
    let site = TestServer::configured(move |config| {
        config.tpas_url = Some(url);
        config.background = server::Background::Periodic;
        config.limits.drain = std::time::Duration::from_millis(100);
    })
    .await;
    site.order(&json!({ "title": "x" })).await.expect(201);
    while silent.request_count() == 0 {
        tokio::task::yield_now().await;
    }
    let ground = site.stop().await;
    let rows =
        ground.rows(Tables::Connect, "SELECT status, leased_by FROM challenge_requests").await;
    assert_eq!(rows, [[Some("pending".to_owned()), None]]);
}

#[tokio::test]
async fn roles_decide_what_a_process_answers() {
    let site = TestServer::configured(|config| config.roles = "tpas".parse().unwrap()).await;
    site.call("GET", "/tpas/v1/challenges/open").send().await.expect(200);
    site.call("GET", "/docs").send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    site.get(TESTS).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    site.call("GET", "/readyz").send().await.expect(200);
}
