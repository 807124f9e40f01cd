//! §8: how a production test went.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fake_service::{FakeService, Reaction};
use crate::support::{TESTS, TestServer};

async fn report(site: &TestServer, id: &str) -> Value {
    site.get(&format!("{TESTS}/{id}/report")).send().await.expect(200)
}

#[tokio::test]
async fn a_report_counts_provider_by_provider_in_the_payloads_order() {
    let site = TestServer::start().await;
    let order =
        json!({ "title": "All", "providerIds": ["smartid", "bankidse", "mitid"], "maxStamps": 5 });
    let challenge = site.challenge(&order).await;
    let slow = site.join(&challenge, "bankidse").send().await.expect(201);
    site.advance(Duration::from_secs(60));
    let quick = site.join(&challenge, "bankidse").send().await.expect(201);
    site.advance(Duration::from_secs(11));
    for (participation, person) in [(&slow, "Ada"), (&quick, "Grace")] {
        let url = participation["verificationUrl"].as_str().unwrap();
        site.simulate(url, &json!({ "outcome": "completed", "subject": person })).await;
    }
    site.take_part(&challenge, "smartid", "Ada").await;
    let failed = site.join(&challenge, "mitid").send().await.expect(201);
    site.simulate(failed["verificationUrl"].as_str().unwrap(), &json!({ "outcome": "failed" }))
        .await;

    let listed = site.get(TESTS).send().await.expect(200)[0]["challenge"].clone();
    let row = |id: &str, name: &str, claims: u32, average: Value| json!({ "providerId": id, "providerName": name, "claimCount": claims, "averageCompletionSeconds": average });
    let expected = json!({
        "challenge": listed,
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
    assert_eq!(report(&site, &challenge).await, expected);
}

#[tokio::test]
async fn a_challenge_that_nobody_has_joined_has_a_report_of_zeros() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x", "providerIds": ["bankidse"] })).await;
    let stats = report(&site, &challenge).await["stats"].clone();
    assert_eq!((&stats["totalParticipations"], &stats["totalClaims"]), (&json!(0), &json!(0)));
    assert_eq!(stats["providerBreakdown"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_requests_id_has_no_report_but_leads_to_the_challenges() {
    let site = TestServer::start().await;
    let request = site.order(&json!({ "title": "x" })).await.expect(201);
    let path = format!("{TESTS}/{}/report", request["id"].as_str().unwrap());
    let details =
        site.get(&path).send().await.expect_error(404, "RESOURCE_NOT_FOUND")["details"].clone();
    assert_eq!((&details["status"], &details["challengeId"]), (&json!("pending"), &Value::Null));
    site.round().await;
    let details =
        site.get(&path).send().await.expect_error(404, "RESOURCE_NOT_FOUND")["details"].clone();
    report(&site, details["challengeId"].as_str().unwrap()).await;
}

#[tokio::test]
async fn an_unknown_challenge_has_no_report() {
    let site = TestServer::start().await;
    for id in ["ch_00000000-0000-7000-8000-000000000000", "nonsense"] {
        site.get(&format!("{TESTS}/{id}/report"))
            .send()
            .await
            .expect_error(404, "RESOURCE_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_challenge_service_that_is_down_or_silent_is_unavailable_and_never_a_hang() {
    for reaction in
        [Reaction::Cut, Reaction::Silence, Reaction::Status(500, ""), Reaction::Status(200, "")]
    {
        let site = TestServer::start().await;
        let challenge = site.challenge(&json!({ "title": "x" })).await;
        let broken = FakeService::start(None, &[reaction]).await;
        let site = site
            .restart(move |config| {
                config.tpas_url = Some(broken.url);
                config.limits.challenge_service_read = Duration::from_millis(100);
            })
            .await;
        let answer = site.get(&format!("{TESTS}/{challenge}/report")).send().await;
        answer.expect_error(503, "SYSTEM_UNAVAILABLE");
    }
}

#[test]
fn the_usual_patience_is_less_than_two_seconds() {
    assert!(server::Limits::default().challenge_service_read < Duration::from_secs(2));
}
