//! §2: keys of a workspace, and what they give access to.

use std::time::Duration;

use domain::api_key;
use domain::{Environment, SeededRandomness};
use serde_json::{Value, json};

use crate::support::{Store, TESTS, TestServer, id_of, tests_of};

const INVALID: &str = "AUTH_INVALID_CREDENTIALS";

const WORKSPACE: &str = "/connect/v1/workspace";

#[tokio::test]
async fn all_invalid_credentials_get_the_same_error() {
    let server = TestServer::start().await;
    let demo = server.demo_workspace().await;
    let expired = server.create_key(&demo, |key| key.expires_at = Some(key.created_at)).await;
    let revoked = server.create_key(&demo, |key| key.revoked_at = Some(key.created_at)).await;
    let randomness = SeededRandomness::from_seed(99);
    let unknown = api_key::new_secret(Environment::Sandbox, &randomness);
    let other_environment = api_key::new_secret(Environment::Production, &randomness);
    let mut typo = server.api_key.clone();
    typo.replace_range(30..31, if &typo[30..31] == "a" { "b" } else { "a" });

    let mut responses = vec![server.request("GET", TESTS).send().await];
    for authorization in [
        format!("Bearer {expired}"),
        format!("Bearer {revoked}"),
        format!("Bearer {unknown}"),
        format!("Bearer {other_environment}"),
        format!("Bearer {typo}"),
        format!("Basic {}", server.api_key),
        server.api_key.clone(),
        "Bearer".into(),
        "Bearer ".into(),
        String::new(),
    ] {
        let request = server.request("GET", TESTS).header("Authorization", &authorization);
        responses.push(request.send().await);
    }
    let twice = server.get(TESTS).header("Authorization", format!("Bearer {}", server.api_key));
    responses.push(twice.send().await);

    let errors: Vec<Value> =
        responses.iter().map(|response| response.expect_error(401, INVALID)).collect();
    assert!(errors.iter().all(|error| *error == errors[0]), "{errors:#?}");
    for response in &responses {
        assert_eq!(response.header("www-authenticate"), Some("Bearer"));
    }
    server.get(TESTS).send().await.expect(200);
}

#[tokio::test]
async fn the_authorization_scheme_is_case_insensitive() {
    let server = TestServer::start().await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let authorization = format!("{scheme} {}", server.api_key);
        let request = server.request("GET", TESTS).header("Authorization", authorization);
        request.send().await.expect(200);
    }
}

#[tokio::test]
async fn a_key_is_valid_until_the_millisecond_at_which_it_expires() {
    let server = TestServer::start().await;
    let end = server.now().plus(Duration::from_secs(60));
    let demo = server.demo_workspace().await;
    let key = server.create_key(&demo, |key| key.expires_at = Some(end)).await;
    let list = || server.request("GET", TESTS).bearer(&key).send();
    server.advance(Duration::from_millis(59_999));
    list().await.expect(200);
    server.advance(Duration::from_millis(1));
    list().await.expect_error(401, INVALID);
}

#[tokio::test]
async fn a_revoked_key_is_refused_within_a_second() {
    let server = TestServer::start().await;
    server.get(TESTS).send().await.expect(200);
    server.revoke_key(|_| true).await;
    server.advance(Duration::from_secs(1));
    server.get(TESTS).send().await.expect_error(401, INVALID);
}

#[tokio::test]
async fn a_read_only_key_can_read_and_cannot_order() {
    let server = TestServer::start().await;
    let reader = server.read_only_key().await;
    server.request("GET", TESTS).bearer(&reader).send().await.expect(200);
    let order = server.request("POST", TESTS).bearer(&reader).json(&json!({ "title": "BankID" }));
    order.send().await.expect_error(403, "AUTH_FORBIDDEN");
    assert_eq!(server.list().await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_belongs_to_another_workspace_is_not_found_as_if_it_did_not_exist() {
    let server = TestServer::start().await;
    let request = server.order(&json!({ "title": "BankID" })).await.expect(201);
    let (workspace, stranger) = server.create_workspace().await;
    server.create_app(&workspace, "Stranger", &["bankidse"]).await;
    let read = async |path: &str| {
        let response = server.request("GET", path).bearer(&stranger).send().await;
        response.expect_error(404, "RESOURCE_NOT_FOUND")
    };
    assert_eq!(read(TESTS).await, read(&tests_of("Missing0")).await);
    // The test exists, but not in the stranger's own app.
    let through_own_app = format!("{}/{}", tests_of("Stranger"), id_of(&request));
    let missing = format!("{}/req_00000000-0000-7000-8000-000000000000", tests_of("Stranger"));
    assert_eq!(read(&through_own_app).await, read(&missing).await);
}

#[tokio::test]
async fn a_production_deployment_accepts_production_keys_only() {
    let server = TestServer::start_in_production().await;
    let (workspace, key) = server.create_workspace().await;
    let sandbox_key = server.create_key_for(Environment::Sandbox, &workspace, |_| {}).await;
    server.request("GET", WORKSPACE).bearer(&key).send().await.expect(200);
    let refused = server.request("GET", WORKSPACE).bearer(&sandbox_key).send().await;
    refused.expect_error(401, INVALID);
}

/// When a key was used for the last time, as seconds after the start of the test.
fn used_at(seconds: i64) -> Option<String> {
    Some((1_775_642_400_000 + seconds * 1000).to_string())
}

const LAST_USED: &str = "SELECT last_used_at FROM api_keys";

#[tokio::test]
async fn the_last_use_of_a_key_is_recorded_in_the_background_and_at_the_stop() {
    let server = TestServer::start().await;
    let last_used = async || server.database().value(Store::Workspace, LAST_USED).await;
    server.get(TESTS).send().await.expect(200);
    server.advance(Duration::from_secs(5));
    server.get(TESTS).send().await.expect(200);
    assert_eq!(last_used().await, None, "no request waits for this write");
    server.run_background_tasks().await;
    assert_eq!(last_used().await, used_at(5));

    server.advance(Duration::from_secs(5));
    let nonsense = server.request("GET", TESTS).bearer("sk_workspace_test_nonsense");
    nonsense.send().await.expect_error(401, INVALID);
    server.run_background_tasks().await;
    assert_eq!(last_used().await, used_at(5), "a refused request does not use a key");

    server.get(TESTS).send().await.expect(200);
    let database = server.stop().await;
    assert_eq!(database.value(Store::Workspace, LAST_USED).await, used_at(10));
}

#[tokio::test]
async fn a_use_of_a_key_that_could_not_be_recorded_is_recorded_later() {
    let server = TestServer::start().await;
    let last_used = async || server.database().value(Store::Workspace, LAST_USED).await;
    server.get(TESTS).send().await.expect(200);
    let lock = server.database().lock("api_keys").await;
    server.run_background_tasks().await;
    drop(lock);
    assert_eq!(last_used().await, None);
    server.advance(Duration::from_secs(5));
    server.run_background_tasks().await;
    assert_eq!(last_used().await, used_at(0), "the time of the use, not of the write");
}
