//! §10: verifiers report outcomes in signed requests.

use std::time::Duration;

use domain::Timestamp;
use serde_json::{Value, json};
use wire::signature::sign;

use crate::support::{TestRequest, TestResponse, TestServer, VERIFICATION_SECRET};

const PATH: &str = "/tpas/v1/verification-events";

const SECRET: &[u8] = VERIFICATION_SECRET.as_bytes();

/// A report with this value of the signature's header.
fn signed(server: &TestServer, signature: &str, content_type: &str, body: &str) -> TestRequest {
    let request = server.request("POST", PATH).header("X-Hopae-Signature", signature);
    request.body(content_type, body.to_owned())
}

pub(crate) async fn report(
    server: &TestServer,
    signed_at: Timestamp,
    event: &Value,
) -> TestResponse {
    let body = event.to_string();
    let signature = sign(SECRET, signed_at, body.as_bytes());
    signed(server, &signature, "application/json", &body).send().await
}

fn completed(id: &Value, subject: &str) -> Value {
    json!({ "event": "verification.completed",
        "data": { "participationId": id, "subject": subject } })
}

/// Joins a new challenge; the challenge and the participation.
async fn join(server: &TestServer) -> (String, Value) {
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let participation = server.join(&challenge, "bankidse").send().await.expect(201);
    (challenge, participation)
}

#[tokio::test]
async fn a_signed_outcome_decides_the_participation() {
    let server = TestServer::start().await;
    let (challenge, first) = join(&server).await;
    let second = server.join(&challenge, "bankidse").send().await.expect(201);
    let claimed = report(&server, server.now(), &completed(&first["id"], "Ada")).await;
    assert_eq!(claimed.expect(200), json!({ "id": first["id"], "status": "claimed" }));
    let failed =
        json!({ "event": "verification.failed", "data": { "participationId": second["id"] } });
    let failed = report(&server, server.now(), &failed).await;
    assert_eq!(failed.expect(200), json!({ "id": second["id"], "status": "failed" }));
    // The simulator and a verifier identify the same person.
    assert_eq!(server.join_and_verify(&challenge, "bankidse", "Ada").await, "duplicate");
}

#[tokio::test]
async fn an_outcome_without_a_valid_signature_is_refused_and_changes_nothing() {
    let server = TestServer::start().await;
    let (_, participation) = join(&server).await;
    let event = completed(&participation["id"], "Ada");
    let body = event.to_string();
    let forged = sign(b"another secret", server.now(), body.as_bytes());
    let of_another_body = sign(SECRET, server.now(), b"{}");
    for signature in [forged.as_str(), &of_another_body, "", "nonsense"] {
        let refused = signed(&server, signature, "application/json", &body).send().await;
        refused.expect_error(401, "AUTH_INVALID_CREDENTIALS");
    }
    let unsigned = server.request("POST", PATH).body("application/json", body).send().await;
    unsigned.expect_error(401, "AUTH_INVALID_CREDENTIALS");
    let valid = report(&server, server.now(), &event).await.expect(200);
    assert_eq!(valid["status"], "claimed");
}

#[tokio::test]
async fn a_signature_is_valid_for_five_minutes() {
    let server = TestServer::start().await;
    let (_, participation) = join(&server).await;
    let event = completed(&participation["id"], "Ada");
    let signed_at = server.now();
    server.advance(Duration::from_secs(301));
    let expired = report(&server, signed_at, &event).await;
    expired.expect_error(401, "AUTH_INVALID_CREDENTIALS");
    let valid = report(&server, signed_at.plus(Duration::from_secs(1)), &event).await;
    assert_eq!(valid.expect(200)["status"], "claimed");
}

#[tokio::test]
async fn an_invalid_outcome_is_refused_without_repeating_the_identity_of_the_tester() {
    let server = TestServer::start().await;
    let (_, participation) = join(&server).await;
    let id = &participation["id"];
    let event = |name: &str, data: Value| json!({ "event": name, "data": data });
    let completed_with = |subject: Value| {
        event("verification.completed", json!({ "participationId": id, "subject": subject }))
    };
    for (event, parameter) in [
        (event("verification.completed", json!({ "participationId": id })), "data.subject"),
        (completed_with(json!("")), "data.subject"),
        (completed_with(json!("Ada".repeat(100))), "data.subject"),
        (completed_with(json!({ "name": "Ada" })), "data.subject"),
        (event("verification.begun", json!({ "participationId": id, "subject": "Ada" })), "event"),
        (event("verification.failed", json!({})), "data.participationId"),
        (json!({ "event": "verification.failed" }), "data"),
        (json!({ "data": { "participationId": id } }), "event"),
    ] {
        let refused = report(&server, server.now(), &event).await;
        let error = refused.expect(400)["error"].clone();
        assert_eq!(error["details"]["parameter"], parameter, "{event}");
        assert!(!refused.text.contains("Ada"), "{}", refused.text);
    }
}

#[tokio::test]
async fn an_outcome_of_an_unknown_participation_is_not_found() {
    let server = TestServer::start().await;
    let unknown = json!("par_00000000-0000-7000-8000-000000000000");
    let response = report(&server, server.now(), &completed(&unknown, "Ada")).await;
    response.expect_error(404, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn a_signed_body_must_be_json() {
    let server = TestServer::start().await;
    let signature = sign(SECRET, server.now(), b"{}");
    let response = signed(&server, &signature, "text/plain", "{}").send().await;
    response.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
}
