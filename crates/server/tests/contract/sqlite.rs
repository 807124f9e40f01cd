//! What holds on SQLite only (§13).

use db::Location;
use domain::SystemClock;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::lifecycle::{assert_private, start_error};
use crate::support::schemas::{create_tables, of_sqlite};
use crate::support::{Store, TESTS, TestServer};

#[tokio::test]
async fn a_second_server_in_the_same_data_directory_refuses_to_start_and_says_why() {
    let server = TestServer::start().await;
    let error = start_error(server.database().config()).await;
    assert!(error.contains("another fieldtest server is running on"), "{error}");
    assert!(error.contains("--data-dir"), "{error}");
    server.get(TESTS).send().await.expect(200);
}

#[tokio::test]
async fn the_roles_api_and_scheduler_cannot_be_separated() {
    let server = TestServer::start().await;
    let mut config = server.database().config();
    config.roles = "api,tpas".parse().unwrap();
    let error = start_error(config).await;
    assert!(error.contains("api and scheduler go together"), "{error}");
}

#[tokio::test]
async fn a_server_has_the_private_files_of_its_roles_only() {
    let server = TestServer::start().await;
    for file in ["connect.sqlite3", "connect.sqlite3-wal", "tpas.sqlite3"] {
        assert_private(&server.database().data_dir().join(file));
    }
    let server = TestServer::start_with(|config| config.roles = "tpas".parse().unwrap()).await;
    let data_dir = server.database().data_dir();
    assert!(data_dir.join("tpas.sqlite3").exists());
    assert!(!data_dir.join("connect.sqlite3").exists());
}

#[tokio::test]
async fn a_server_with_a_locked_database_is_alive_and_not_ready_until_the_lock_is_released() {
    let server = TestServer::start().await;
    let get = async |path| server.request("GET", path).send().await;
    let lock = server.database().lock_orders().await;
    let error = get("/readyz").await.expect_error(503, "SYSTEM_UNAVAILABLE");
    assert!(error["message"].as_str().unwrap().contains("connect"), "{error}");
    server.order(&json!({ "title": "x" })).await.expect_error(503, "SYSTEM_UNAVAILABLE");
    get("/healthz").await.expect(200);
    assert_eq!(server.list().await, Vec::<Value>::new());
    drop(lock);
    get("/readyz").await.expect(200);
    assert_eq!(server.list().await, Vec::<Value>::new(), "the refused order was not stored");
    server.order(&json!({ "title": "x" })).await.expect(201);
}

#[tokio::test]
async fn a_server_whose_files_were_deleted_is_not_ready_and_acknowledges_nothing() {
    for file in ["connect.sqlite3", "connect.sqlite3-wal"] {
        let server = TestServer::start().await;
        server.order(&json!({ "title": "x" })).await.expect(201);
        std::fs::remove_file(server.database().data_dir().join(file)).unwrap();
        server.order(&json!({ "title": "x" })).await.expect_error(503, "SYSTEM_UNAVAILABLE");
        let readiness = server.request("GET", "/readyz").send().await;
        readiness.expect_error(503, "SYSTEM_UNAVAILABLE");
        server.request("GET", "/healthz").send().await.expect(200);
    }
}

#[tokio::test]
async fn a_database_that_is_missing_or_empty_beside_the_other_one_is_not_begun_anew() {
    for (missing, living) in
        [("connect.sqlite3", "tpas.sqlite3"), ("tpas.sqlite3", "connect.sqlite3")]
    {
        for is_empty in [false, true] {
            let server = TestServer::start().await;
            server.order(&json!({ "title": "x" })).await.expect(201);
            let database = server.stop().await;
            let file = database.data_dir().join(missing);
            std::fs::remove_file(&file).unwrap();
            if is_empty {
                std::fs::write(&file, "").unwrap();
            }
            let error = start_error(database.config()).await;
            assert!(error.contains(&format!("{missing} is missing or empty")), "{error}");
            assert!(error.contains(living) && error.contains("restore both"), "{error}");
            let report = server::examine(&database.config(), None, &SystemClock).await;
            let is_named = |finding: &server::Finding| finding.text.contains("is missing or empty");
            assert!(report.iter().any(is_named), "{report:?}");
            assert!(!std::fs::metadata(&file).is_ok_and(|file| file.len() > 0), "nothing is made");
            // Who wants to begin anew says so.
            server::migrate(&database.config()).await.unwrap();
            TestServer::start_on(database, |_| {}).await;
        }
    }
}

#[tokio::test]
async fn the_first_requests_after_a_restart_find_every_idempotency_key() {
    let server = TestServer::start().await;
    let orders: Vec<(String, Value)> = (0..200)
        .map(|number| (format!("key {number}"), json!({ "title": number.to_string() })))
        .collect();
    let repeat = async |server: &TestServer| {
        join_all(orders.iter().map(|(key, order)| server.order_with_key(key, order))).await
    };
    let first = repeat(&server).await;
    // The index of the keys is loaded before the server accepts connections: no request is early
    // enough to miss a key.
    let server = server.restart(|_| {}).await;
    let repeated = repeat(&server).await;
    for (first, repeated) in first.iter().zip(&repeated) {
        assert_eq!(repeated.expect(201), first.expect(201));
        assert_eq!((first.is_replay(), repeated.is_replay()), (false, true));
    }
    let other = server.order_with_key("key 0", &json!({ "title": "other" })).await;
    other.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    assert_eq!(server.list().await.len(), 200);
}

#[tokio::test]
async fn a_key_is_replayed_after_a_vacuum_of_the_file_in_use() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x" });
    server.order_with_key("deleted", &order).await.expect(201);
    let first = server.order_with_key("key", &order).await.expect(201);
    let sql = "DELETE FROM idempotency_records WHERE key = 'deleted' RETURNING key";
    assert_eq!(server.database().rows(Store::Workspace, sql).await.len(), 1);
    server.database().rows(Store::Workspace, "VACUUM").await;
    let repeated = server.order_with_key("key", &order).await;
    assert_eq!(repeated.expect(201), first);
    assert!(repeated.is_replay());
    assert_eq!(server.list().await.len(), 2);
}

#[tokio::test]
async fn every_key_leads_with_its_tenant_or_its_challenge() {
    let folder = tempfile::tempdir().unwrap();
    create_tables(&Location::from(folder.path().to_owned())).await;
    for (store, owners, leading) in [
        (Store::Workspace, "workspaces", "primary key workspace_id,"),
        (Store::Challenge, "challenges", "primary key challenge_id,"),
    ] {
        let tables = of_sqlite(&folder.path().join(store.file()));
        assert!(tables.contains_key(owners), "{tables:?}");
        for (table, lines) in tables {
            let is_owner_or_about_all =
                table == owners || matches!(&*table, "deployment_facts" | "verifier_health");
            // These records are appended, and found by an index in memory.
            let is_appended =
                table == "idempotency_records" && lines.contains(&"primary key id".to_owned());
            let leads = lines.iter().any(|line| line.starts_with(leading));
            assert!(is_owner_or_about_all || is_appended || leads, "{table}: {lines:?}");
        }
    }
}
