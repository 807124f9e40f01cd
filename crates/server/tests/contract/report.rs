//! §8: the report of a production test.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fake_challenge_service::{Behavior, FakeChallengeService};
use crate::support::{TESTS, TestServer, completed, failed, id_of};

#[tokio::test]
async fn a_report_has_a_row_for_each_provider_in_the_order_of_the_payload() {
    let server = TestServer::start().await;
    let order =
        json!({ "title": "All", "providerIds": ["smartid", "bankidse", "mitid"], "maxStamps": 5 });
    let challenge = server.order_and_schedule(&order).await;
    let slow = server.join(&challenge, "bankidse").send().await.expect(201);
    server.advance(Duration::from_secs(60));
    let quick = server.join(&challenge, "bankidse").send().await.expect(201);
    server.advance(Duration::from_secs(11));
    for (participation, person) in [(&slow, "Ada"), (&quick, "Grace")] {
        assert_eq!(server.simulate(participation, &completed(person)).await, "claimed");
    }
    server.join_and_verify(&challenge, "smartid", "Ada").await;
    let unsuccessful = server.join(&challenge, "mitid").send().await.expect(201);
    assert_eq!(server.simulate(&unsuccessful, &failed()).await, "failed");

    let row = |id: &str, name: &str, claims: u32, average: Value| {
        json!({ "providerId": id, "providerName": name, "claimCount": claims,
            "averageCompletionSeconds": average })
    };
    let expected = json!({
        "challenge": server.list().await[0]["challenge"],
        "stats": {
            "totalParticipations": 4,
            "totalClaims": 3,
            "providerBreakdown": [
                row("smartid", "Smart-ID", 1, json!(0.0)),
                row("bankidse", "BankID SE", 2, json!(41.0)),
                row("mitid", "MitID", 0, Value::Null),
            ],
        },
    });
    assert_eq!(server.report(&challenge).await, expected);
}

#[tokio::test]
async fn a_challenge_without_participations_has_a_report_of_zeros() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["bankidse"] });
    let challenge = server.order_and_schedule(&order).await;
    let expected = json!({
        "totalParticipations": 0,
        "totalClaims": 0,
        "providerBreakdown": [{ "providerId": "bankidse", "providerName": "BankID SE",
            "claimCount": 0, "averageCompletionSeconds": null }],
    });
    assert_eq!(server.report(&challenge).await["stats"], expected);
}

#[tokio::test]
async fn a_request_has_no_report_and_the_error_names_its_challenge() {
    let server = TestServer::start().await;
    let request = server.order(&json!({ "title": "x" })).await.expect(201);
    let path = format!("{TESTS}/{}/report", id_of(&request));
    let details = async || {
        let error = server.get(&path).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
        error["details"].clone()
    };
    let pending = details().await;
    assert_eq!((&pending["status"], &pending["challengeId"]), (&json!("pending"), &Value::Null));
    server.run_background_tasks().await;
    let challenge = details().await["challengeId"].clone();
    let report = server.report(challenge.as_str().unwrap()).await;
    assert_eq!(report["challenge"]["id"], challenge);
}

#[tokio::test]
async fn an_unknown_challenge_has_no_report() {
    let server = TestServer::start().await;
    for id in ["ch_00000000-0000-7000-8000-000000000000", "nonsense"] {
        let response = server.get(&format!("{TESTS}/{id}/report")).send().await;
        response.expect_error(404, "RESOURCE_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_report_is_unavailable_while_the_challenge_service_does_not_respond() {
    for behavior in [
        Behavior::Disconnect,
        Behavior::Hang,
        Behavior::Respond(500, ""),
        Behavior::Respond(200, ""),
    ] {
        let server = TestServer::start().await;
        let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
        let broken = FakeChallengeService::start(&[behavior]).await;
        let server = server
            .restart(move |config| {
                config.tpas_url = Some(broken.url);
                config.limits.challenge_service_read = Duration::from_millis(100);
            })
            .await;
        let response = server.get(&format!("{TESTS}/{challenge}/report")).send().await;
        response.expect_error(503, "SYSTEM_UNAVAILABLE");
    }
}

#[test]
fn by_default_a_report_waits_for_the_challenge_service_for_less_than_two_seconds() {
    assert!(server::Limits::default().challenge_service_read < Duration::from_secs(2));
}
