//! §10: what the scheduler asks of the challenge service, over HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{SERVICE_TOKEN, TestRequest, TestServer, id_of};

const PATH: &str = "/tpas/v1/challenge-requests/req_7f3a9c1e-4b2d-4f88-9e1a-0c3d5b6e7f8a";

fn challenge() -> Value {
    json!({ "title": "BankID", "description": null, "providerIds": ["bankidse"],
        "maxStampClaims": 3, "targetPlatform": null, "allowDuplicateParticipation": null,
        "hostName": "Acme Bank" })
}

fn put(server: &TestServer, path: &str, body: &Value) -> TestRequest {
    server.request("PUT", path).json(body)
}

#[tokio::test]
async fn a_request_has_one_challenge_however_often_it_is_put() {
    let server = TestServer::start().await;
    let put = || put(&server, PATH, &challenge()).bearer(SERVICE_TOKEN).send();
    let first = put().await.expect(201);
    server.advance(Duration::from_secs(60));
    assert_eq!(put().await.expect(200), first);
    assert_eq!(server.open_challenges().await.len(), 1);
}

#[tokio::test]
async fn a_challenge_is_read_reported_and_closed_which_is_idempotent() {
    let server = TestServer::start().await;
    let created = put(&server, PATH, &challenge()).bearer(SERVICE_TOKEN).send().await.expect(201);
    let path = format!("/tpas/v1/challenges/{}", id_of(&created));
    let get = async |path: &str| {
        server.request("GET", path).bearer(SERVICE_TOKEN).send().await.expect(200)
    };
    assert_eq!(get(&path).await, created);
    assert_eq!(get(&format!("{path}/report")).await["challenge"], created);
    let closed = server.close_challenge(id_of(&created)).await;
    assert_eq!((&closed["isActive"], &closed["completedAt"]), (&json!(false), &Value::Null));
    assert_eq!(server.close_challenge(id_of(&created)).await, closed);
    assert_eq!(get(&path).await, closed);
}

#[tokio::test]
async fn the_service_surface_requires_its_token() {
    let server = TestServer::start().await;
    let unknown = "/tpas/v1/challenges/ch_00000000-0000-7000-8000-000000000000";
    for (method, path, with_token) in [
        ("PUT", PATH.to_owned(), 201),
        ("GET", unknown.into(), 404),
        ("GET", format!("{unknown}/report"), 404),
        ("POST", format!("{unknown}/close"), 404),
    ] {
        let request = || server.request(method, &path).json(&challenge());
        request().send().await.expect_error(401, "AUTH_INVALID_CREDENTIALS");
        let api_key = request().bearer(&server.api_key).send().await;
        api_key.expect_error(401, "AUTH_INVALID_CREDENTIALS");
        request().bearer(SERVICE_TOKEN).send().await.expect(with_token);
    }
}

#[tokio::test]
async fn without_a_configured_token_the_service_surface_refuses_every_token() {
    let server = TestServer::start_with(|config| config.tpas_token = None).await;
    for token in ["", SERVICE_TOKEN] {
        let refused = put(&server, PATH, &challenge()).bearer(token).send().await;
        refused.expect_error(401, "AUTH_INVALID_CREDENTIALS");
    }
}

#[tokio::test]
async fn an_invalid_challenge_is_refused() {
    let server = TestServer::start().await;
    for (member, value, code) in [
        ("title", json!(" "), "VALIDATION_MISSING_PARAMETER"),
        ("title", json!("x".repeat(201)), "VALIDATION_INVALID_PARAMETER"),
        ("description", json!(1), "VALIDATION_INVALID_PARAMETER"),
        ("maxStampClaims", json!(0), "VALIDATION_INVALID_PARAMETER"),
        ("maxStampClaims", Value::Null, "VALIDATION_MISSING_PARAMETER"),
        ("providerIds", json!([]), "VALIDATION_MISSING_PARAMETER"),
        ("providerIds", json!(["Bank ID"]), "VALIDATION_INVALID_PARAMETER"),
        ("targetPlatform", json!("windows"), "VALIDATION_INVALID_PARAMETER"),
        ("hostName", Value::Null, "VALIDATION_MISSING_PARAMETER"),
        ("hostName", json!("a\u{0}b"), "VALIDATION_INVALID_PARAMETER"),
        ("defaultSuccessRedirectUri", json!("javascript://x/"), "VALIDATION_INVALID_PARAMETER"),
        ("defaultFailureRedirectUri", json!("bank.example"), "VALIDATION_INVALID_PARAMETER"),
    ] {
        let mut body = challenge();
        body[member] = value;
        let refused = put(&server, PATH, &body).bearer(SERVICE_TOKEN).send().await;
        let error = refused.expect_error(400, code);
        assert_eq!(error["details"]["parameter"], member, "{body}");
    }
    let malformed = put(&server, "/tpas/v1/challenge-requests/7f3a", &challenge());
    let malformed = malformed.bearer(SERVICE_TOKEN).send().await;
    malformed.expect_error(404, "RESOURCE_NOT_FOUND");
    assert_eq!(server.open_challenges().await, Vec::<Value>::new());
}
