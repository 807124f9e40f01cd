//! §10: verifiers report outcomes, signed.

use std::time::Duration;

use domain::Timestamp;
use serde_json::{Value, json};

use crate::support::{Answer, TestServer, VERIFICATION_SECRET};

const SECRET: &[u8] = VERIFICATION_SECRET.as_bytes();

async fn report(site: &TestServer, signed_at: Timestamp, event: &Value) -> Answer {
    let body = event.to_string();
    let signature = wire::signature::sign(SECRET, signed_at, body.as_bytes());
    let call =
        site.call("POST", "/tpas/v1/verification-events").header("X-Hopae-Signature", signature);
    call.body("application/json", body).send().await
}

fn completed(id: &Value, subject: &str) -> Value {
    json!({ "event": "verification.completed", "data": { "participationId": id, "subject": subject } })
}

#[tokio::test]
async fn a_signed_outcome_decides_the_participation() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x" })).await;
    let first = site.join(&challenge, "bankidse").send().await.expect(201);
    let second = site.join(&challenge, "bankidse").send().await.expect(201);
    let claimed = report(&site, site.now(), &completed(&first["id"], "Ada")).await;
    assert_eq!(claimed.expect(200), json!({ "id": first["id"], "status": "claimed" }));
    let failed =
        json!({ "event": "verification.failed", "data": { "participationId": second["id"] } });
    assert_eq!(report(&site, site.now(), &failed).await.expect(200)["status"], "failed");
    // A person is the same whoever verifies them.
    assert_eq!(site.take_part(&challenge, "bankidse", "Ada").await, "duplicate");
}

#[tokio::test]
async fn an_unsigned_forged_or_old_outcome_is_refused_and_changes_nothing() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x" })).await;
    let begun = site.join(&challenge, "bankidse").send().await.expect(201);
    let event = completed(&begun["id"], "Ada").to_string();
    let forged = wire::signature::sign(b"another secret", site.now(), event.as_bytes());
    let of_another_body = wire::signature::sign(SECRET, site.now(), b"{}");
    for signature in [forged.as_str(), &of_another_body, "", "nonsense"] {
        let call = site
            .call("POST", "/tpas/v1/verification-events")
            .header("X-Hopae-Signature", signature);
        let refused = call.body("application/json", event.clone()).send().await;
        refused.expect_error(401, "AUTH_INVALID_CREDENTIALS");
    }
    let unsigned = site
        .call("POST", "/tpas/v1/verification-events")
        .body("application/json", event)
        .send()
        .await;
    unsigned.expect_error(401, "AUTH_INVALID_CREDENTIALS");

    let signed_at = site.now();
    site.advance(Duration::from_secs(301));
    report(&site, signed_at, &completed(&begun["id"], "Ada"))
        .await
        .expect_error(401, "AUTH_INVALID_CREDENTIALS");
    let still_good = signed_at.plus(Duration::from_secs(1));
    assert_eq!(
        report(&site, still_good, &completed(&begun["id"], "Ada")).await.expect(200)["status"],
        "claimed"
    );
}

#[tokio::test]
async fn a_signed_body_that_does_not_fit_is_refused_without_repeating_who_it_is_about() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x" })).await;
    let begun = site.join(&challenge, "bankidse").send().await.expect(201);
    let id = &begun["id"];
    for (event, status, parameter) in [
        (
            json!({ "event": "verification.completed", "data": { "participationId": id } }),
            400,
            "data.subject",
        ),
        (
            json!({ "event": "verification.completed", "data": { "participationId": id, "subject": "" } }),
            400,
            "data.subject",
        ),
        (completed(id, &"Ada".repeat(100)), 400, "data.subject"),
        (
            json!({ "event": "verification.completed", "data": { "participationId": id, "subject": { "name": "Ada" } } }),
            400,
            "data.subject",
        ),
        (
            json!({ "event": "verification.begun", "data": { "participationId": id, "subject": "Ada" } }),
            400,
            "event",
        ),
        (json!({ "event": "verification.failed", "data": {} }), 400, "data.participationId"),
        (json!({ "event": "verification.failed" }), 400, "data"),
        (json!({ "data": { "participationId": id } }), 400, "event"),
    ] {
        let answer = report(&site, site.now(), &event).await;
        assert_eq!(answer.expect(status)["error"]["details"]["parameter"], parameter, "{event}");
        assert!(!answer.text.contains("Ada"), "{}", answer.text);
    }
    let nobody = json!("par_00000000-0000-7000-8000-000000000000");
    report(&site, site.now(), &completed(&nobody, "Ada"))
        .await
        .expect_error(404, "RESOURCE_NOT_FOUND");
    let body = b"{}";
    let signature = wire::signature::sign(SECRET, site.now(), body);
    let call =
        site.call("POST", "/tpas/v1/verification-events").header("X-Hopae-Signature", signature);
    call.body("text/plain", &body[..]).send().await.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
}
