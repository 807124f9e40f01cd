//! What is so on the embedded databases only (§13).

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use db::{Location, WriterMetrics};
use domain::{ClockAndRng, SeededRandomness, SystemClock};
use serde_json::json;
use server::Server;
use store_challenge::ChallengeStore;
use store_workspace::WorkspaceStore;

use crate::support::schemas::of_sqlite;
use crate::support::{TESTS, TestServer};

fn clock_and_rng() -> ClockAndRng {
    ClockAndRng::new(Arc::new(SystemClock), Arc::new(SeededRandomness::from_seed(2)))
}

#[tokio::test]
async fn a_second_server_on_one_data_directory_refuses_to_start_and_says_why() {
    let site = TestServer::start().await;
    let error =
        Server::start(site.ground().config(), clock_and_rng()).await.err().unwrap().to_string();
    assert!(
        error.contains("another fieldtest server is running on") && error.contains("--data-dir"),
        "{error}"
    );
    site.get(TESTS).send().await.expect(200);
}

#[tokio::test]
async fn api_and_scheduler_go_together() {
    let site = TestServer::start().await;
    let mut config = site.ground().config();
    config.roles = "api,tpas".parse().unwrap();
    let error = Server::start(config, clock_and_rng()).await.err().unwrap().to_string();
    assert!(error.contains("api and scheduler go together"), "{error}");
}

#[tokio::test]
async fn a_process_has_only_the_files_that_its_roles_need_and_they_are_private() {
    let site = TestServer::start().await;
    for file in ["connect.sqlite3", "connect.sqlite3-wal", "tpas.sqlite3"] {
        let mode = std::fs::metadata(site.data_dir().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let site = TestServer::configured(|config| config.roles = "tpas".parse().unwrap()).await;
    assert!(!site.data_dir().join("connect.sqlite3").exists());
}

#[tokio::test]
async fn a_server_whose_database_is_locked_is_alive_but_not_ready_and_recovers() {
    let site = TestServer::start().await;
    let lock = site.ground().lock_orders().await;
    let error = site.call("GET", "/readyz").send().await.expect_error(503, "SYSTEM_UNAVAILABLE");
    assert!(error["message"].as_str().unwrap().contains("connect"), "{error}");
    site.order(&json!({ "title": "x" })).await.expect_error(503, "SYSTEM_UNAVAILABLE");
    site.call("GET", "/healthz").send().await.expect(200);
    site.get(TESTS).send().await.expect(200);
    drop(lock);
    site.call("GET", "/readyz").send().await.expect(200);
    assert_eq!(
        site.get(TESTS).send().await.expect(200),
        json!([]),
        "what was refused has left nothing behind"
    );
    site.order(&json!({ "title": "x" })).await.expect(201);
}

#[tokio::test]
async fn every_key_leads_with_its_tenant_or_its_challenge() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::from(folder.path().to_owned());
    WorkspaceStore::open(&location, WriterMetrics::default())
        .await
        .unwrap()
        .database()
        .close()
        .await;
    ChallengeStore::open(&location, WriterMetrics::default())
        .await
        .unwrap()
        .database()
        .close()
        .await;
    for (file, owners, leading) in [
        ("connect.sqlite3", "workspaces", "primary key workspace_id,"),
        ("tpas.sqlite3", "challenges", "primary key challenge_id,"),
    ] {
        for (table, lines) in of_sqlite(&folder.path().join(file)) {
            let is_owner_or_about_all = table == owners || table == "deployment_facts";
            let has_no_key =
                lines.contains(&"primary key id".to_owned()) && table == "idempotency_records";
            assert!(
                is_owner_or_about_all
                    || has_no_key
                    || lines.iter().any(|line| line.starts_with(leading)),
                "{table}: {lines:?}"
            );
        }
    }
}
