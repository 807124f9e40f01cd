//! §11: rotating an app's client secret.

use std::time::Duration;

use serde_json::json;

use crate::app_creation::is_client_secret;
use crate::support::{APP, APPS, Store, TestResponse, TestServer};

async fn rotate(server: &TestServer, key: &str) -> TestResponse {
    server.post(&format!("{APP}/rotate-client-secret")).idempotency_key(key).send().await
}

#[tokio::test]
async fn a_rotated_secret_is_shown_once_and_only_its_hash_is_stored() {
    let server = TestServer::start().await;
    let hash = async || {
        let sql = "SELECT client_secret_hash FROM apps";
        server.database().value(Store::Workspace, sql).await.unwrap()
    };
    let before = hash().await;
    let rotated = rotate(&server, "first").await.expect(201);
    let secret = rotated["clientSecret"].as_str().unwrap();
    assert!(is_client_secret(secret), "{secret}");
    assert_ne!(hash().await, before);
    let shown = server.get(APP).send().await.expect(200)["clientSecret"].clone();
    assert_eq!(shown, format!("****{}", &secret[60..]));
    assert_ne!(rotate(&server, "second").await.expect(201)["clientSecret"], secret);
    for table in ["apps", "idempotency_records"] {
        assert!(!server.database().contains(table, secret).await, "{table}");
    }
}

#[tokio::test]
async fn a_repeated_rotation_gets_the_same_secret_and_rotates_nothing() {
    let server = TestServer::start().await;
    let first = rotate(&server, "key").await;
    let other = rotate(&server, "other").await;
    assert_ne!(other.expect(201), first.expect(201));
    let shown = server.get(APP).send().await.expect(200);

    server.advance(Duration::from_mins(1));
    let repeated = rotate(&server, "key").await;
    assert_eq!(repeated.expect(201), first.expect(201));
    assert_eq!((first.is_replay(), other.is_replay(), repeated.is_replay()), (false, false, true));
    let shown_now = server.get(APP).send().await.expect(200);
    assert_eq!(shown_now, shown, "the second secret is still valid");

    server.advance(Duration::from_hours(24));
    let expired = rotate(&server, "key").await;
    assert_ne!(expired.expect(201), first.expect(201));
    assert!(!expired.is_replay());
}

#[tokio::test]
async fn a_replay_shows_the_secret_only_to_the_api_key_that_rotated_it() {
    let server = TestServer::start().await;
    rotate(&server, "key").await.expect(201);
    let colleague = server.second_key().await;
    let path = format!("{APP}/rotate-client-secret");
    let request = server.request("POST", &path).bearer(&colleague).idempotency_key("key");
    let theirs = request.send().await;
    assert_eq!(theirs.expect(201), json!({ "clientSecret": "****" }));
    assert!(theirs.is_replay());
}

#[tokio::test]
async fn the_secret_of_an_unknown_app_cannot_be_rotated() {
    let server = TestServer::start().await;
    let path = format!("{APPS}/Unknown0/rotate-client-secret");
    server.post(&path).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    rotate(&server, "key").await.expect(201);
    let with_used_key = server.post(&path).idempotency_key("key").send().await;
    with_used_key.expect_error(404, "RESOURCE_NOT_FOUND");
}
