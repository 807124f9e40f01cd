//! §4, §11: creating an app.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{APP, APPS, Store, TestResponse, TestServer, tests_of};

pub(crate) async fn create_app(server: &TestServer, key: &str, body: &Value) -> TestResponse {
    server.post(APPS).idempotency_key(key).json(body).send().await
}

/// The number of the workspace's apps. One of them is the demo's.
pub(crate) async fn app_count(server: &TestServer) -> Value {
    server.get(APPS).send().await.expect(200)["total"].clone()
}

/// Whether this looks like the secret of an app.
pub(crate) fn is_client_secret(secret: &str) -> bool {
    secret.len() == 64 && secret.bytes().all(|digit| digit.is_ascii_hexdigit())
}

#[tokio::test]
async fn a_new_app_has_a_client_id_a_secret_and_the_passport_provider() {
    let server = TestServer::start().await;
    let body = json!({ "name": "New Bank", "redirectUris": ["https://new.example/back"],
        "clientId": "Wanted00" });
    let response = server.post(APPS).json(&body).send().await;
    let app = response.expect(201);
    let (id, secret) = (app["clientId"].as_str().unwrap(), app["clientSecret"].as_str().unwrap());
    assert_eq!(response.header("location"), Some(&*format!("{APPS}/{id}")));
    assert!(id.len() == 8 && id.bytes().all(|letter| letter.is_ascii_alphanumeric()), "{id}");
    assert_ne!(id, "Wanted00", "the client id cannot be chosen");
    assert!(is_client_secret(secret), "{secret}");
    assert_eq!(app["providers"], json!({ "passport": { "enabled": true } }));
    let mut shown = app.clone();
    shown["clientSecret"] = json!(format!("****{}", &secret[60..]));
    assert_eq!(server.get(&format!("{APPS}/{id}")).send().await.expect(200), shown);
}

#[tokio::test]
async fn a_new_app_can_order_once_a_provider_is_enabled() {
    let server = TestServer::start().await;
    let app = create_app(&server, "key", &json!({ "name": "New Bank" })).await.expect(201);
    let id = app["clientId"].as_str().unwrap();
    let order = || server.post(&tests_of(id)).json(&json!({ "title": "x" })).send();
    order().await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    let activation = format!("{APPS}/{id}/providers/bankidse/activation");
    let enable = server.authorized("PATCH", &activation).json(&json!({ "enabled": true }));
    enable.send().await.expect(200);
    assert_eq!(order().await.expect(201)["payload"]["providerIds"], json!(["bankidse"]));
}

#[tokio::test]
async fn an_invalid_or_forbidden_app_is_refused_and_not_created() {
    let server = TestServer::start().await;
    for (body, code, parameter) in [
        (json!({}), "VALIDATION_MISSING_PARAMETER", "name"),
        (json!({ "name": " " }), "VALIDATION_MISSING_PARAMETER", "name"),
        (json!({ "name": "x".repeat(101) }), "VALIDATION_INVALID_PARAMETER", "name"),
        (
            json!({ "name": "x", "redirectUris": ["x"] }),
            "VALIDATION_INVALID_PARAMETER",
            "redirectUris",
        ),
    ] {
        let error = create_app(&server, "key", &body).await.expect_error(400, code);
        assert_eq!(error["details"]["parameter"], parameter);
    }
    let reader = server.read_only_key().await;
    let body = json!({ "name": "x" });
    let forbidden = server.request("POST", APPS).bearer(&reader).json(&body).send().await;
    forbidden.expect_error(403, "AUTH_FORBIDDEN");
    assert_eq!(app_count(&server).await, 1);
    let created = create_app(&server, "key", &body).await;
    assert_eq!(created.expect(201)["name"], "x");
    assert!(!created.is_replay(), "a refused request does not use its key");
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_response_whatever_has_happened_to_the_app_since() {
    let server = TestServer::start().await;
    let body = json!({ "name": "New Bank", "redirectUris": ["https://new.example/back"] });
    let first = create_app(&server, "key", &body).await;
    let id = first.expect(201)["clientId"].as_str().unwrap().to_owned();
    server.advance(Duration::from_hours(1));
    let rename = server.authorized("PATCH", &format!("{APPS}/{id}"));
    rename.json(&json!({ "name": "Renamed" })).send().await.expect(200);
    server.post(&format!("{APPS}/{id}/rotate-client-secret")).send().await.expect(201);
    let second = create_app(&server, "key", &body).await;
    assert_eq!(second.expect(201), first.expect(201));
    assert_eq!(second.header("location"), first.header("location"));
    assert_eq!((first.is_replay(), second.is_replay()), (false, true));
    assert_eq!(app_count(&server).await, 2);

    for other in [json!({ "name": "Other" }), json!({ "name": "" })] {
        create_app(&server, "key", &other).await.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
    }
    server.advance(Duration::from_hours(24));
    let third = create_app(&server, "key", &body).await;
    assert_ne!(third.expect(201)["clientId"], id, "the key has expired");
    assert!(!third.is_replay());
}

#[tokio::test]
async fn a_replay_shows_the_secret_only_to_the_api_key_that_created_the_app() {
    let server = TestServer::start().await;
    let body = json!({ "name": "New Bank" });
    let first = create_app(&server, "key", &body).await.expect(201);
    let secret = first["clientSecret"].as_str().unwrap();
    let colleague = server.second_key().await;
    let request = server.request("POST", APPS).bearer(&colleague).idempotency_key("key");
    let theirs = request.json(&body).send().await;
    assert!(theirs.is_replay());
    let theirs = theirs.expect(201);
    assert_eq!(theirs["clientId"], first["clientId"]);
    assert_eq!(theirs["clientSecret"], "****");
    for table in ["apps", "idempotency_records"] {
        assert!(!server.database().contains(table, secret).await, "{table}");
    }
}

#[tokio::test]
async fn fifty_simultaneous_requests_with_one_key_create_one_app() {
    let server = TestServer::start().await;
    let body = json!({ "name": "New Bank" });
    let responses = join_all((0..50).map(|_| create_app(&server, "key", &body))).await;
    let apps: HashSet<String> =
        responses.iter().map(|response| response.expect(201).to_string()).collect();
    let fresh = responses.iter().filter(|response| !response.is_replay()).count();
    assert_eq!((apps.len(), fresh, app_count(&server).await), (1, 1, json!(2)));
}

#[tokio::test]
async fn every_request_that_creates_checks_the_form_of_its_idempotency_key() {
    let server = TestServer::start().await;
    let body = json!({ "name": "x", "items": [{ "name": "x" }] });
    for path in [APPS.to_owned(), format!("{APPS}/batch"), format!("{APP}/rotate-client-secret")] {
        let request = || server.post(&path).json(&body);
        for malformed in [
            request().idempotency_key(""),
            request().idempotency_key(&"k".repeat(256)),
            request().idempotency_key("a").idempotency_key("b"),
        ] {
            let error = malformed.send().await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
            assert_eq!(error["details"]["parameter"], "Idempotency-Key", "{path}");
        }
    }
    assert_eq!(app_count(&server).await, 1);
}

/// A record that was written before ChaCha20-Poly1305 has a sealed secret of 40 bytes.
#[tokio::test]
async fn a_secret_sealed_in_the_previous_format_is_redacted() {
    let server = TestServer::start().await;
    let body = json!({ "name": "New Bank" });
    let first = create_app(&server, "key", &body).await.expect(201);
    let sql = "UPDATE idempotency_records SET sealed_secret = substr(sealed_secret, 1, 40)";
    server.database().rows(Store::Workspace, sql).await;
    let replayed = create_app(&server, "key", &body).await.expect(201);
    assert_eq!(
        (&replayed["clientId"], &replayed["clientSecret"]),
        (&first["clientId"], &json!("****"))
    );
}
