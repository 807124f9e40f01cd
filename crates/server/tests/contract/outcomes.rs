//! §8, §10: why a test went as it did, and what testers say.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::person::{IPHONE, link_with};
use crate::support::{TESTS, TestServer, completed, id_of};

async fn outcomes(server: &TestServer, challenge: &str) -> Value {
    server.get(&format!("{TESTS}/{challenge}/outcomes")).send().await.expect(200)
}

/// Tests in which two testers got a stamp, one was counted already, one cancelled, one lapsed and one
/// has not ended.
async fn eventful_test(server: &TestServer) -> String {
    let order = json!({ "title": "x", "providerIds": ["bankidse", "mitid"], "maxStamps": 5 });
    let challenge = server.order_and_schedule(&order).await;
    let lapsing = server.join(&challenge, "bankidse").send().await.expect(201);
    server.advance(Duration::from_mins(15));
    assert_eq!(server.simulate(&lapsing, &completed("Ada")).await, "lapsed");
    server.run_background_tasks().await;
    for (subject, seconds, status) in
        [("Ada", 20, "claimed"), ("Ben", 40, "claimed"), ("Ada", 1, "duplicate")]
    {
        let joined = server.join(&challenge, "bankidse").send().await.expect(201);
        server.advance(Duration::from_secs(seconds));
        assert_eq!(server.simulate(&joined, &completed(subject)).await, status);
    }
    let cancelling = server.join(&challenge, "bankidse").send().await.expect(201);
    let cancel = json!({ "outcome": "failed", "reason": "cancelled_by_tester" });
    assert_eq!(server.simulate(&cancelling, &cancel).await, "failed");
    server.join(&challenge, "mitid").send().await.expect(201);
    challenge
}

#[tokio::test]
async fn outcomes_say_how_far_testers_came_and_why_not_further() {
    let server = TestServer::start().await;
    let challenge = eventful_test(&server).await;
    let outcomes = outcomes(&server, &challenge).await;
    assert_eq!(outcomes["challengeId"], challenge);
    assert_eq!(
        outcomes["funnel"],
        json!({ "joined": 6, "verificationStarted": 4, "verified": 3, "claimed": 2 })
    );
    let rows = outcomes["outcomes"].as_array().unwrap();
    let expected = json!({
        "providerId": "bankidse", "platform": "ios", "claimed": 2, "failed": 1, "missed": 0,
        "duplicate": 1, "lapsed": 1, "started": 0,
        "failureReasons": [{ "reason": "cancelled_by_tester", "count": 1 }],
        "completionSeconds": { "p50": 20.0, "p90": 40.0, "max": 40.0 },
    });
    assert_eq!(rows[0], expected);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let order: Vec<_> = rows
        .iter()
        .map(|row| format!("{} {}", text(&row["providerId"]), text(&row["platform"])))
        .collect();
    assert_eq!(order, ["bankidse ios", "bankidse android", "mitid ios", "mitid android"]);
    assert_eq!((&rows[2]["started"], &rows[2]["completionSeconds"]), (&json!(1), &Value::Null));
    let steps = outcomes["timeline"].as_array().unwrap();
    let sum = |name: &str| steps.iter().map(|step| step[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("joined"), sum("claimed")), (6, 2));
    assert_eq!(steps[0]["at"], "2026-04-08T10:00:00.000Z");
    assert_eq!(outcomes["feedback"], json!([]));
}

#[tokio::test]
async fn outcomes_are_also_csv() {
    let server = TestServer::start().await;
    let challenge = eventful_test(&server).await;
    let path = format!("{TESTS}/{challenge}/outcomes");
    let by_query = server.get(&format!("{path}?format=csv")).send().await;
    let by_header = server.get(&path).header("Accept", "text/csv").send().await;
    for csv in [by_query, by_header] {
        assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
        let lines: Vec<&str> = csv.text.split("\r\n").collect();
        assert_eq!(lines.len(), 6, "a header, four rows, and the end of the last line");
        assert_eq!(lines[1], "bankidse,ios,2,1,0,1,1,0,20,40,40,cancelled_by_tester=1");
    }
    let unknown = server.get(&format!("{path}?format=pdf")).send().await;
    unknown.expect_error(400, "VALIDATION_INVALID_PARAMETER");
}

#[tokio::test]
async fn outcomes_are_found_under_the_challenge_of_the_own_app_only() {
    let server = TestServer::start().await;
    let id = server.order_bankid().await;
    let error = server.get(&format!("{TESTS}/{id}/outcomes")).send().await;
    let error = error.expect_error(404, "RESOURCE_NOT_FOUND");
    assert_eq!(error["details"]["requestId"], id);
    let unknown = format!("{TESTS}/ch_00000000-0000-7000-8000-000000000000/outcomes");
    server.get(&unknown).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    server.request("GET", &unknown).send().await.expect_error(401, "AUTH_INVALID_CREDENTIALS");
}

#[tokio::test]
async fn feedback_is_given_once_after_the_end() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let joined = server.join(&challenge, "bankidse").send().await.expect(201);
    let path = format!("/tpas/v1/participations/{}/feedback", id_of(&joined));
    let token = joined["token"].as_str().unwrap();
    let give =
        async |body: &Value| server.request("POST", &path).bearer(token).json(body).send().await;
    let said = json!({ "reasons": ["too_slow", "app_did_not_open"], "text": "I waited." });
    give(&said).await.expect_error(409, "RESOURCE_CONFLICT");
    let failed = json!({ "outcome": "failed" });
    assert_eq!(server.simulate(&joined, &failed).await, "failed");
    for (wrong, code) in [
        (json!({}), "VALIDATION_MISSING_PARAMETER"),
        (json!({ "text": " " }), "VALIDATION_MISSING_PARAMETER"),
        (json!({ "reasons": ["bored"] }), "VALIDATION_INVALID_PARAMETER"),
        (json!({ "text": "secret".repeat(100) }), "VALIDATION_INVALID_PARAMETER"),
    ] {
        let error = give(&wrong).await.expect_error(400, code);
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let stranger = server.request("POST", &path).bearer("x").json(&said).send().await;
    stranger.expect_error(401, "AUTH_INVALID_CREDENTIALS");
    assert_eq!(give(&said).await.status, 204);
    give(&said).await.expect_error(409, "RESOURCE_CONFLICT");
    let expected = json!([{
        "providerId": "bankidse", "platform": "ios", "status": "failed",
        "reasons": ["app_did_not_open", "too_slow"], "text": "I waited.",
        "at": "2026-04-08T10:00:00.000Z",
    }]);
    assert_eq!(outcomes(&server, &challenge).await["feedback"], expected);
}

#[tokio::test]
async fn the_last_page_asks_once_how_it_went() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let person = server.person(IPHONE);
    let page = person.begin(&challenge, "bankidse").await;
    assert!(!page.text.contains("How did it go?"), "{}", page.text);
    let verification = link_with(&page, "/tpas/v1/simulator/");
    let page = person.submit(&verification, "outcome=completed&subject=Ada").await;
    assert!(page.text.contains("How did it go?"), "{}", page.text);
    let action = page.text.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
    let page = person.submit(action, "reason=too_slow&text=a%0D%0Ab").await;
    assert!(page.text.contains("Thank you for telling"), "{}", page.text);
    assert!(!page.text.contains("How did it go?"), "{}", page.text);
    let feedback = outcomes(&server, &challenge).await["feedback"].clone();
    assert_eq!((&feedback[0]["text"], &feedback[0]["status"]), (&json!("a\nb"), &json!("claimed")));
    let funnel = outcomes(&server, &challenge).await["funnel"].clone();
    assert_eq!(funnel["verificationStarted"], 1);
}
