//! Starting several servers on one database (§13).

use std::sync::Arc;

use domain::secret_key::SecretKey;
use domain::{ClockAndRng, SeededRandomness, SystemClock};
use futures_util::future::join_all;
use serde_json::json;
use server::{Config, Server, StartError};

use super::share_secrets;
use crate::support::{Store, TestDatabase, TestServer};

pub(super) async fn start(
    database: &TestDatabase,
    seed: u64,
    configure: impl FnOnce(&mut Config),
) -> Result<Server, StartError> {
    let mut config = database.config();
    configure(&mut config);
    let randomness = Arc::new(SeededRandomness::from_seed(seed));
    Server::start(config, ClockAndRng::new(Arc::new(SystemClock), randomness)).await
}

/// Why a server does not start.
async fn start_error(
    database: &TestDatabase,
    seed: u64,
    configure: impl FnOnce(&mut Config),
) -> String {
    start(database, seed, configure).await.err().expect("the start fails").to_string()
}

#[tokio::test]
async fn servers_that_start_together_on_an_empty_database_create_its_tables_and_the_demo_once() {
    let database = TestDatabase::new().await;
    let machines: Vec<TestDatabase> = (0..5).map(|_| database.on_another_machine()).collect();
    let starts = (0..).zip(&machines).map(|(seed, machine)| start(machine, seed, share_secrets));
    let started = join_all(starts).await.into_iter();
    let servers: Vec<Server> =
        started.map(|started| started.unwrap_or_else(|error| panic!("{error}"))).collect();
    assert_eq!(servers.iter().filter(|server| server.demo().is_some()).count(), 1);
    let has_key = |machine: &&TestDatabase| machine.data_dir().join("demo-api-key").exists();
    assert_eq!(machines.iter().filter(has_key).count(), 1);
    for table in ["workspaces", "apps", "api_keys"] {
        assert_eq!(database.count(Store::Workspace, table).await, 1, "{table}");
    }
    for store in [Store::Workspace, Store::Challenge] {
        let repeated = "SELECT COUNT(*) - COUNT(DISTINCT version) FROM refinery_schema_history";
        assert_eq!(database.number(store, repeated).await, 0, "each migration has run once");
    }
}

#[tokio::test]
async fn servers_on_one_machine_can_share_a_data_directory() {
    let server = TestServer::start().await;
    let replica = server.replica(2, |_| {}).await;
    server.order(&json!({ "title": "x" })).await.expect(201);
    assert_eq!(replica.list().await, server.list().await);
}

#[tokio::test]
async fn a_server_with_another_secret_key_or_none_refuses_to_start_and_says_which() {
    let database = TestServer::start_with(share_secrets).await.stop().await;
    let other_key = |config: &mut Config| config.secret_key = SecretKey::from_hex(&"0b".repeat(32));
    let error = start_error(&database, 2, other_key).await;
    assert!(error.contains("secret-key is not the one"), "{error}");
    assert!(error.contains("schema fieldtest_tpas"), "{error}");

    let error = start_error(&database.on_another_machine(), 3, |_| {}).await;
    assert!(error.contains("secret-key is missing"), "{error}");
    start(&database.on_another_machine(), 4, share_secrets).await.unwrap();
}

#[tokio::test]
async fn a_generated_verification_secret_must_be_the_same_on_all_servers() {
    let generated = |config: &mut Config| {
        share_secrets(config);
        config.verification_secret = None;
    };
    let database = TestServer::start_with(generated).await.stop().await;
    let error = start_error(&database.on_another_machine(), 2, generated).await;
    assert!(error.contains("verification-secret is missing"), "{error}");
    let other = database.on_another_machine();
    let (file, other_file) = (
        database.data_dir().join("verification-secret"),
        other.data_dir().join("verification-secret"),
    );
    std::fs::write(&other_file, "77".repeat(32)).unwrap();
    let error = start_error(&other, 3, generated).await;
    assert!(error.contains("verification-secret is not the one"), "{error}");
    std::fs::copy(file, other_file).unwrap();
    start(&other, 4, generated).await.unwrap();
    // A configured secret takes the place of the generated one.
    start(&database.on_another_machine(), 5, share_secrets).await.unwrap();
}

#[tokio::test]
async fn a_configured_verification_secret_can_be_changed_one_server_after_the_other() {
    let database = TestServer::start_with(share_secrets).await.stop().await;
    let changed = |config: &mut Config| {
        share_secrets(config);
        config.verification_secret = Some("the next secret of all verifiers".into());
    };
    let _first = start(&database.on_another_machine(), 2, changed).await.unwrap();
    start(&database.on_another_machine(), 3, share_secrets).await.unwrap();
}

#[tokio::test]
async fn a_server_on_existing_tables_needs_no_right_to_change_them() {
    let database = TestServer::start().await.stop().await;
    let folder = database.data_dir().file_name().unwrap();
    let role = format!("worker_{}", hex::encode(folder.as_encoded_bytes()));
    let mut grants = format!("CREATE ROLE {role} LOGIN");
    for store in [Store::Workspace, Store::Challenge] {
        let schema = store.schema();
        grants += &format!("; GRANT USAGE ON SCHEMA {schema} TO {role}");
        grants += &format!(
            "; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}"
        );
    }
    database.rows(Store::Workspace, &grants).await;
    let url = database.url().replacen("fieldtest@", &format!("{role}@"), 1).parse().unwrap();
    let started = start(&database, 2, |config| config.database_url = Some(url)).await;
    started.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn a_missing_database_is_named_and_its_password_is_not() {
    let database = TestDatabase::new().await;
    let url = database.url().replacen("fieldtest@", "fieldtest:hunter2@", 1);
    let url = url.replace("/test_", "/absent_").parse().unwrap();
    let error = start_error(&database, 2, |config| config.database_url = Some(url)).await;
    assert!(error.contains("127.0.0.1/absent_") && error.contains("does not exist"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_server_continues_while_a_newer_release_has_added_columns() {
    let server = TestServer::start().await;
    let before = server.order_and_schedule(&json!({ "title": "before" })).await;
    for store in [Store::Workspace, Store::Challenge] {
        let sql = "SELECT table_name FROM information_schema.tables
            WHERE table_schema = current_schema()";
        let tables = server.database().rows(store, sql).await;
        assert!(tables.len() > 5, "{tables:?}");
        for name in tables.into_iter().flatten().flatten() {
            let add =
                format!("ALTER TABLE {name} ADD COLUMN of_the_future TEXT NOT NULL DEFAULT 'x'");
            server.database().rows(store, &add).await;
        }
    }
    assert_eq!(server.join_and_verify(&before, "bankidse", "Ada").await, "claimed");
    let after = server.order_and_schedule(&json!({ "title": "after" })).await;
    assert_eq!(server.join_and_verify(&after, "bankidse", "Ada").await, "claimed");
    assert_eq!(server.list().await.len(), 2);
    assert_eq!(server.report(&after).await["stats"]["totalClaims"], 1);
}

#[tokio::test]
async fn a_migration_that_fails_is_told_in_the_words_of_postgresql() {
    let database = TestDatabase::new().await;
    let client = database.connection(Store::Workspace).await;
    let other = "CREATE SCHEMA fieldtest_connect; CREATE TABLE fieldtest_connect.apps (a int)";
    client.batch_execute(other).await.unwrap();
    let error = start_error(&database, 1, |_| {}).await;
    assert!(error.contains("V1__production_tests"), "{error}");
    assert!(error.contains("42P07: relation \"apps\" already exists"), "{error}");
}
