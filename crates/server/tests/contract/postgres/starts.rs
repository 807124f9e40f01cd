//! Starting: one after the other, together, with and without what the others know.

use std::sync::Arc;

use domain::secret_key::SecretKey;
use domain::{ClockAndRng, SeededRandomness, SystemClock};
use futures_util::future::join_all;
use serde_json::json;
use server::{Config, Server, StartError};

use super::share_secrets;
use crate::support::{Ground, TESTS, Tables, TestServer};

fn clock_and_rng(seed: u64) -> ClockAndRng {
    ClockAndRng::new(Arc::new(SystemClock), Arc::new(SeededRandomness::from_seed(seed)))
}

async fn start(
    ground: &Ground,
    seed: u64,
    configure: impl FnOnce(&mut Config),
) -> Result<Server, StartError> {
    let mut config = ground.config();
    configure(&mut config);
    Server::start(config, clock_and_rng(seed)).await
}

#[tokio::test]
async fn servers_that_start_together_on_an_empty_database_make_its_tables_and_its_demo_once() {
    let ground = Ground::new().await;
    let machines: Vec<Ground> = (0..5).map(|_| ground.elsewhere()).collect();
    let started =
        join_all((0..).zip(&machines).map(|(seed, machine)| start(machine, seed, share_secrets)))
            .await;
    let servers: Vec<Server> = started
        .into_iter()
        .map(|started| started.unwrap_or_else(|error| panic!("{error}")))
        .collect();
    assert_eq!(servers.iter().filter(|server| server.demo().is_some()).count(), 1);
    assert_eq!(
        machines.iter().filter(|machine| machine.path().join("demo-api-key").exists()).count(),
        1
    );
    for (tables, rows) in
        [(Tables::Connect, "workspaces"), (Tables::Connect, "apps"), (Tables::Connect, "api_keys")]
    {
        let count = ground.value(tables, &format!("SELECT COUNT(*) FROM {rows}")).await;
        assert_eq!(count.as_deref(), Some("1"), "{rows}");
    }
    for tables in [Tables::Connect, Tables::Tpas] {
        let sql = "SELECT COUNT(*) - COUNT(DISTINCT version) FROM refinery_schema_history";
        assert_eq!(
            ground.value(tables, sql).await.as_deref(),
            Some("0"),
            "each migration has run once"
        );
    }
}

#[tokio::test]
async fn servers_on_one_machine_share_a_data_directory() {
    let site = TestServer::start().await;
    let other = site.replica(2, |_| {}).await;
    other.get(TESTS).send().await.expect(200);
    site.get(TESTS).send().await.expect(200);
}

#[tokio::test]
async fn a_server_with_other_secrets_refuses_to_start_and_says_which() {
    let ground = TestServer::configured(share_secrets).await.stop().await;
    let other_key = |config: &mut Config| config.secret_key = SecretKey::from_hex(&"0b".repeat(32));
    let error = start(&ground, 2, other_key).await.err().unwrap().to_string();
    assert!(
        error.contains("secret-key is not the one") && error.contains("schema fieldtest_tpas"),
        "{error}"
    );

    // Nor does it make one up.
    let error = start(&ground.elsewhere(), 3, |_| {}).await.err().unwrap().to_string();
    assert!(error.contains("secret-key is missing"), "{error}");
    start(&ground.elsewhere(), 4, share_secrets).await.unwrap();
}

#[tokio::test]
async fn a_verification_secret_that_was_made_up_belongs_to_the_deployment_too() {
    let made_up = |config: &mut Config| {
        share_secrets(config);
        config.verification_secret = None;
    };
    let ground = TestServer::configured(made_up).await.stop().await;
    let error = start(&ground.elsewhere(), 2, made_up).await.err().unwrap().to_string();
    assert!(error.contains("verification-secret is missing"), "{error}");
    let elsewhere = ground.elsewhere();
    std::fs::write(elsewhere.path().join("verification-secret"), "77".repeat(32)).unwrap();
    let error = start(&elsewhere, 3, made_up).await.err().unwrap().to_string();
    assert!(error.contains("verification-secret is not the one"), "{error}");
    std::fs::copy(
        ground.path().join("verification-secret"),
        elsewhere.path().join("verification-secret"),
    )
    .unwrap();
    start(&elsewhere, 4, made_up).await.unwrap();
    // Operators who choose it themselves may change it, one server after the other.
    start(&ground.elsewhere(), 5, share_secrets).await.unwrap();
}

#[tokio::test]
async fn once_the_tables_are_there_a_server_needs_no_right_to_change_them() {
    let ground = TestServer::start().await.stop().await;
    let role =
        format!("worker_{}", hex::encode(ground.path().file_name().unwrap().as_encoded_bytes()));
    let mut grants = format!("CREATE ROLE {role} LOGIN");
    for schema in ["fieldtest_connect", "fieldtest_tpas"] {
        grants += &format!("; GRANT USAGE ON SCHEMA {schema} TO {role}");
        grants += &format!(
            "; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}"
        );
    }
    ground.rows(Tables::Connect, &grants).await;
    let url = ground.database().replacen("fieldtest@", &format!("{role}@"), 1);
    let server = start(&ground, 2, |config| config.database_url = Some(url.parse().unwrap())).await;
    server.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_and_its_password_is_not() {
    let ground = Ground::new().await;
    let url = ground
        .database()
        .replacen("fieldtest@", "fieldtest:hunter2@", 1)
        .replace("/test_", "/absent_");
    let error = start(&ground, 2, |config| config.database_url = Some(url.parse().unwrap())).await;
    let error = error.err().unwrap().to_string();
    assert!(error.contains("127.0.0.1/absent_") && error.contains("does not exist"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_server_goes_on_while_a_newer_release_has_added_to_its_tables() {
    let site = TestServer::start().await;
    let before = site.challenge(&json!({ "title": "before" })).await;
    for tables in [Tables::Connect, Tables::Tpas] {
        let sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()";
        for name in site.ground().rows(tables, sql).await.into_iter().flatten().flatten() {
            let add =
                format!("ALTER TABLE {name} ADD COLUMN of_the_future TEXT NOT NULL DEFAULT 'x'");
            site.ground().rows(tables, &add).await;
        }
    }
    assert_eq!(site.take_part(&before, "bankidse", "Ada").await, "claimed");
    let after = site.challenge(&json!({ "title": "after" })).await;
    assert_eq!(site.take_part(&after, "bankidse", "Ada").await, "claimed");
    assert_eq!(site.get(TESTS).send().await.expect(200).as_array().unwrap().len(), 2);
    let report = site.get(&format!("{TESTS}/{after}/report")).send().await.expect(200);
    assert_eq!(report["stats"]["totalClaims"], 1);
}
