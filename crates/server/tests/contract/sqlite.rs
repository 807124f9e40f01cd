//! What is so on the embedded databases only (§13).

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use domain::{SeededRandomness, SystemClock};
use serde_json::json;
use server::{Server, World};

use crate::support::{Site, TESTS};

fn world() -> World {
    World::new(Arc::new(SystemClock), Arc::new(SeededRandomness::from_seed(2)))
}

#[tokio::test]
async fn a_second_server_on_one_data_directory_refuses_to_start_and_says_why() {
    let site = Site::start().await;
    let error = Server::start(site.ground().config(), world()).await.err().unwrap().to_string();
    assert!(error.contains("another fieldtest server is running on") && error.contains("--data-dir"), "{error}");
    site.get(TESTS).send().await.expect(200);
}

#[tokio::test]
async fn api_and_scheduler_go_together() {
    let site = Site::start().await;
    let mut config = site.ground().config();
    config.roles = "api,tpas".parse().unwrap();
    let error = Server::start(config, world()).await.err().unwrap().to_string();
    assert!(error.contains("api and scheduler go together"), "{error}");
}

#[tokio::test]
async fn a_process_has_only_the_files_that_its_roles_need_and_they_are_private() {
    let site = Site::start().await;
    for file in ["connect.sqlite3", "connect.sqlite3-wal", "tpas.sqlite3"] {
        let mode = std::fs::metadata(site.data_dir().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let site = Site::configured(|config| config.roles = "tpas".parse().unwrap()).await;
    assert!(!site.data_dir().join("connect.sqlite3").exists());
}

#[tokio::test]
async fn a_server_whose_database_is_locked_is_alive_but_not_ready_and_recovers() {
    let site = Site::start().await;
    let lock = site.ground().lock_orders().await;
    let error = site.call("GET", "/readyz").send().await.expect_error(503, "SYSTEM_UNAVAILABLE");
    assert!(error["message"].as_str().unwrap().contains("connect"), "{error}");
    site.order(&json!({ "title": "x" })).await.expect_error(503, "SYSTEM_UNAVAILABLE");
    site.call("GET", "/healthz").send().await.expect(200);
    site.get(TESTS).send().await.expect(200);
    drop(lock);
    site.call("GET", "/readyz").send().await.expect(200);
    assert_eq!(site.get(TESTS).send().await.expect(200), json!([]), "what was refused has left nothing behind");
    site.order(&json!({ "title": "x" })).await.expect(201);
}
