//! §10: what the scheduler asks of the challenge service, over HTTP.

use serde_json::{Value, json};

use crate::support::{SERVICE_TOKEN as TOKEN, TestServer};

const PATH: &str = "/tpas/v1/challenge-requests/req_7f3a9c1e-4b2d-4f88-9e1a-0c3d5b6e7f8a";

fn challenge() -> Value {
    json!({ "title": "BankID", "description": null, "providerIds": ["bankidse"], "maxStampClaims": 3, "targetPlatform": null,
        "allowDuplicateParticipation": null, "hostName": "Acme Bank" })
}

#[tokio::test]
async fn one_request_has_one_challenge_however_often_it_is_put() {
    let site = TestServer::start().await;
    let first = site.call("PUT", PATH).key(TOKEN).json(&challenge()).send().await.expect(201);
    site.advance(std::time::Duration::from_secs(60));
    let again = site.call("PUT", PATH).key(TOKEN).json(&challenge()).send().await.expect(200);
    assert_eq!(again, first);
    let path = format!("/tpas/v1/challenges/{}", first["id"].as_str().unwrap());
    assert_eq!(site.call("GET", &path).key(TOKEN).send().await.expect(200), first);
    let report = site.call("GET", &format!("{path}/report")).key(TOKEN).send().await.expect(200);
    assert_eq!(report["challenge"], first);
    let closed = site.call("POST", &format!("{path}/close")).key(TOKEN).send().await.expect(200);
    assert_eq!((&closed["isActive"], &closed["completedAt"]), (&json!(false), &Value::Null));
    assert_eq!(
        site.call("POST", &format!("{path}/close")).key(TOKEN).send().await.expect(200),
        closed
    );
}

#[tokio::test]
async fn nobody_else_is_let_in() {
    let site = TestServer::start().await;
    let nobody = "/tpas/v1/challenges/ch_00000000-0000-7000-8000-000000000000";
    for (method, path) in [
        ("PUT", PATH.to_owned()),
        ("GET", nobody.into()),
        ("GET", format!("{nobody}/report")),
        ("POST", format!("{nobody}/close")),
    ] {
        site.call(method, &path)
            .json(&challenge())
            .send()
            .await
            .expect_error(401, "AUTH_INVALID_CREDENTIALS");
        let wrong = site.call(method, &path).key(&site.api_key).json(&challenge()).send().await;
        wrong.expect_error(401, "AUTH_INVALID_CREDENTIALS");
        if method != "PUT" {
            site.call(method, &path)
                .key(TOKEN)
                .send()
                .await
                .expect_error(404, "RESOURCE_NOT_FOUND");
        }
    }
}

#[tokio::test]
async fn without_a_token_the_surface_is_shut() {
    let site = TestServer::configured(|config| config.tpas_token = None).await;
    for token in ["", TOKEN] {
        site.call("PUT", PATH)
            .key(token)
            .json(&challenge())
            .send()
            .await
            .expect_error(401, "AUTH_INVALID_CREDENTIALS");
    }
}

#[tokio::test]
async fn a_challenge_that_cannot_be_is_refused() {
    let site = TestServer::start().await;
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
    ] {
        let mut body = challenge();
        body[member] = value;
        let error =
            site.call("PUT", PATH).key(TOKEN).json(&body).send().await.expect_error(400, code);
        assert_eq!(error["details"]["parameter"], member, "{body}");
    }
    let malformed = site
        .call("PUT", "/tpas/v1/challenge-requests/7f3a")
        .key(TOKEN)
        .json(&challenge())
        .send()
        .await;
    malformed.expect_error(404, "RESOURCE_NOT_FOUND");
}
