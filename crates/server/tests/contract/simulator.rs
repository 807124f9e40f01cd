//! §10: the simulator, which stands in for a provider in the sandbox.

use serde_json::{Value, json};

use crate::support::{TestServer, completed};

async fn join(server: &TestServer) -> Value {
    let challenge = server.order_and_schedule(&json!({ "title": "<Bank & ID>" })).await;
    server.join(&challenge, "bankidse").send().await.expect(201)
}

fn url_of(participation: &Value) -> &str {
    participation["verificationUrl"].as_str().unwrap()
}

#[tokio::test]
async fn the_page_has_a_form_which_is_answered_with_the_outcome() {
    let server = TestServer::start().await;
    let participation = join(&server).await;
    let url = url_of(&participation);
    let page = server.request("GET", url).send().await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    for text in ["&lt;Bank &amp; ID&gt;", "Acme Bank", "<form"] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    assert_eq!(page.header("cache-control"), Some("no-store"));

    let form = "outcome=completed&subject=Ada+L%C3%B6v";
    let request = server.request("POST", url).body("application/x-www-form-urlencoded", form);
    let outcome = request.send().await;
    assert!(outcome.status == 200 && outcome.text.contains("Stamp granted"), "{}", outcome.text);
    assert!(!outcome.text.contains("Löv") && !outcome.text.contains("<form"), "{}", outcome.text);
}

#[tokio::test]
async fn json_is_answered_with_json() {
    let server = TestServer::start().await;
    let participation = join(&server).await;
    let request = server.request("POST", url_of(&participation)).json(&completed("Ada"));
    let response = request.send().await;
    assert_eq!(response.header("content-type"), Some("application/json"));
    let expected = json!({ "id": participation["id"], "status": "claimed" });
    assert_eq!(response.expect(200), expected);
}

#[tokio::test]
async fn the_simulator_is_found_only_with_the_code_of_the_participation() {
    let server = TestServer::start().await;
    let (participation, other) = (join(&server).await, join(&server).await);
    let (page, _) = url_of(&participation).split_once('?').unwrap();
    let (_, other_code) = url_of(&other).split_once('?').unwrap();
    for wrong in [
        page.to_owned(),
        format!("{page}?code="),
        format!("{page}?code=00"),
        format!("{page}?{other_code}"),
    ] {
        for request in
            [server.request("GET", &wrong), server.request("POST", &wrong).json(&completed("Ada"))]
        {
            request.send().await.expect_error(404, "RESOURCE_NOT_FOUND");
        }
    }
    assert_eq!(server.simulate(&participation, &completed("Ada")).await, "claimed");
}

#[tokio::test]
async fn an_invalid_outcome_is_refused() {
    let server = TestServer::start().await;
    let participation = join(&server).await;
    let url = url_of(&participation);
    for (outcome, parameter) in [
        (json!({}), "outcome"),
        (json!({ "outcome": "maybe" }), "outcome"),
        (json!({ "outcome": "completed" }), "subject"),
        (json!({ "outcome": "completed", "subject": 1 }), "subject"),
        (completed(&"x".repeat(256)), "subject"),
    ] {
        let error = server.request("POST", url).json(&outcome).send().await.expect(400);
        assert_eq!(error["error"]["details"]["parameter"], parameter, "{outcome}");
    }
    let text = server.request("POST", url).body("text/plain", "outcome=failed").send().await;
    text.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(server.simulate(&participation, &completed(&"x".repeat(255))).await, "claimed");
}

#[tokio::test]
async fn production_has_no_simulator() {
    let server = TestServer::start().await;
    let participation = join(&server).await;
    let path = url_of(&participation).strip_prefix(&server.url).unwrap();
    assert_eq!(server.request("GET", path).send().await.status, 200);
    let server = server.restart_in_production().await;
    server.request("GET", path).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
}
