//! §2: who is let in, and who is told nothing.

use std::time::Duration;

use domain::api_key::{self, Access};
use domain::{Environment, SeededRandomness};
use serde_json::{Value, json};
use server::Config;

use crate::support::{TESTS, Tables, TestServer};

const INVALID: &str = "AUTH_INVALID_CREDENTIALS";

#[tokio::test]
async fn every_way_to_be_refused_is_answered_with_the_same_words() {
    let site = TestServer::start().await;
    let demo = site.demo_workspace().await;
    let expired = site.key(&demo, |key| key.expires_at = Some(key.created_at)).await;
    let revoked = site.key(&demo, |key| key.revoked_at = Some(key.created_at)).await;
    let unknown = api_key::new_secret(Environment::Sandbox, &SeededRandomness::from_seed(99));
    let other_environment =
        api_key::new_secret(Environment::Production, &SeededRandomness::from_seed(99));
    let mut typo = site.api_key.clone();
    typo.replace_range(30..31, if &typo[30..31] == "a" { "b" } else { "a" });

    let mut answers = vec![site.call("GET", TESTS).send().await];
    for authorization in [
        format!("Bearer {expired}"),
        format!("Bearer {revoked}"),
        format!("Bearer {unknown}"),
        format!("Bearer {other_environment}"),
        format!("Bearer {typo}"),
        format!("Basic {}", site.api_key),
        site.api_key.clone(),
        "Bearer".into(),
        "Bearer ".into(),
        String::new(),
    ] {
        answers.push(site.call("GET", TESTS).header("Authorization", &authorization).send().await);
    }
    let twice = site.get(TESTS).header("Authorization", format!("Bearer {}", site.api_key));
    answers.push(twice.send().await);

    let errors: Vec<Value> =
        answers.iter().map(|answer| answer.expect_error(401, INVALID)).collect();
    assert!(errors.iter().all(|error| *error == errors[0]), "{errors:#?}");
    assert!(answers.iter().all(|answer| answer.header("www-authenticate") == Some("Bearer")));
}

#[tokio::test]
async fn the_schemes_case_does_not_matter() {
    let site = TestServer::start().await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let authorization = format!("{scheme} {}", site.api_key);
        site.call("GET", TESTS).header("Authorization", authorization).send().await.expect(200);
    }
}

#[tokio::test]
async fn a_key_works_until_the_moment_it_expires() {
    let site = TestServer::start().await;
    let demo = site.demo_workspace().await;
    let key = site
        .key(&demo, |key| key.expires_at = Some(key.created_at.plus(Duration::from_secs(60))))
        .await;
    site.advance(Duration::from_millis(59_999));
    site.call("GET", TESTS).key(&key).send().await.expect(200);
    site.advance(Duration::from_millis(1));
    site.call("GET", TESTS).key(&key).send().await.expect_error(401, INVALID);
}

#[tokio::test]
async fn a_revoked_key_is_refused_within_a_second() {
    let site = TestServer::start().await;
    site.get(TESTS).send().await.expect(200);
    let keys = site.database(async |store, _| store.api_keys(None).await.unwrap()).await;
    let write = store_workspace::RevokeApiKey { id: keys[0].id, now: site.now() };
    assert!(site.database(async |store, _| store.revoke_api_key(write).await.unwrap()).await);
    site.advance(Duration::from_secs(1));
    site.get(TESTS).send().await.expect_error(401, INVALID);
}

#[tokio::test]
async fn a_read_only_key_reads_and_does_not_order() {
    let site = TestServer::start().await;
    let key = site.key(&site.demo_workspace().await, |key| key.access = Access::ReadOnly).await;
    site.call("GET", TESTS).key(&key).send().await.expect(200);
    let refused =
        site.call("POST", TESTS).key(&key).json(&json!({ "title": "BankID" })).send().await;
    refused.expect_error(403, "AUTH_FORBIDDEN");
    assert_eq!(site.get(TESTS).send().await.expect(200), json!([]));
}

#[tokio::test]
async fn another_workspaces_app_and_tests_are_not_found_like_those_that_do_not_exist() {
    let site = TestServer::start().await;
    let request = site.order(&json!({ "title": "BankID" })).await.expect(201);
    let (workspace, stranger) = site.workspace().await;
    site.app(&workspace, "Stranger", &["bankidse"]).await;

    let id = request["id"].as_str().unwrap();
    let theirs =
        site.call("GET", TESTS).key(&stranger).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    let nobodys = "/connect/v1/apps/Nobodys0/production-tests";
    let absent = site
        .call("GET", nobodys)
        .key(&stranger)
        .send()
        .await
        .expect_error(404, "RESOURCE_NOT_FOUND");
    assert_eq!(theirs, absent);

    let through_their_own_app = format!("/connect/v1/apps/Stranger/production-tests/{id}");
    let theirs = site.call("GET", &through_their_own_app).key(&stranger).send().await;
    theirs.expect_error(404, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn a_production_deployment_wants_production_keys() {
    let site =
        TestServer::configured(|config: &mut Config| config.environment = Environment::Production)
            .await;
    let (workspace, key) = site.workspace().await;
    let sandbox_key = site.key_for(Environment::Sandbox, &workspace, |_| {}).await;
    site.call("GET", "/connect/v1/workspace").key(&key).send().await.expect(200);
    site.call("GET", "/connect/v1/workspace")
        .key(&sandbox_key)
        .send()
        .await
        .expect_error(401, INVALID);
}

#[tokio::test]
async fn when_a_key_was_last_used_is_known_but_no_request_waits_for_that() {
    let site = TestServer::start().await;
    let used = "SELECT last_used_at FROM api_keys";
    site.get(TESTS).send().await.expect(200);
    site.advance(Duration::from_secs(5));
    site.get(TESTS).send().await.expect(200);
    assert_eq!(
        site.ground().value(Tables::Connect, used).await,
        None,
        "nothing is written while somebody waits"
    );
    site.round().await;
    let at = |seconds: i64| Some((1_775_642_400_000 + seconds * 1000).to_string());
    assert_eq!(site.ground().value(Tables::Connect, used).await, at(5));
    // A refused request is no use of a key; what is not written by the end is written then.
    site.advance(Duration::from_secs(5));
    site.call("GET", TESTS).key("sk_workspace_test_nonsense").send().await.expect(401);
    site.round().await;
    assert_eq!(site.ground().value(Tables::Connect, used).await, at(5));
    site.get(TESTS).send().await.expect(200);
    assert_eq!(site.stop().await.value(Tables::Connect, used).await, at(10));
}

#[tokio::test]
async fn a_use_of_a_key_that_could_not_be_written_down_is_written_later() {
    let site = TestServer::start().await;
    site.get(TESTS).send().await.expect(200);
    let locked = site.ground().lock("api_keys").await;
    site.round().await;
    drop(locked);
    let used = "SELECT last_used_at FROM api_keys";
    assert_eq!(site.ground().value(Tables::Connect, used).await, None);
    site.advance(Duration::from_secs(5));
    site.round().await;
    assert_eq!(
        site.ground().value(Tables::Connect, used).await.as_deref(),
        Some("1775642400000"),
        "when it was used"
    );
}
