//! §10: the sandbox's stand-in for a provider.

use serde_json::json;

use crate::support::TestServer;

async fn begun(site: &TestServer) -> String {
    let challenge = site.challenge(&json!({ "title": "<Bank & ID>" })).await;
    let begun = site.join(&challenge, "bankidse").send().await.expect(201);
    begun["verificationUrl"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_page_asks_and_the_forms_answer_is_the_page_again() {
    let site = TestServer::start().await;
    let url = begun(&site).await;
    let page = site.call("GET", &url).send().await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(
        page.text.contains("&lt;Bank &amp; ID&gt;") && page.text.contains("Acme Bank"),
        "{}",
        page.text
    );
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    assert_eq!(page.header("cache-control"), Some("no-store"));

    let form = site
        .call("POST", &url)
        .body("application/x-www-form-urlencoded", "outcome=completed&subject=Ada+L%C3%B6v");
    let answer = form.send().await;
    assert!(answer.status == 200 && answer.text.contains("You got a stamp"), "{}", answer.text);
    assert!(!answer.text.contains("Löv") && !answer.text.contains("<form"), "{}", answer.text);
}

#[tokio::test]
async fn json_is_answered_with_json() {
    let site = TestServer::start().await;
    let url = begun(&site).await;
    let answer = site
        .call("POST", &url)
        .json(&json!({ "outcome": "completed", "subject": "Ada" }))
        .send()
        .await;
    assert_eq!(answer.expect(200)["status"], "claimed");
}

#[tokio::test]
async fn only_the_whole_url_opens_it() {
    let site = TestServer::start().await;
    let url = begun(&site).await;
    let other = begun(&site).await;
    let (page, _) = url.split_once('?').unwrap();
    let (_, others_code) = other.split_once('?').unwrap();
    for wrong in [
        page.to_owned(),
        format!("{page}?code="),
        format!("{page}?code=00"),
        format!("{page}?{others_code}"),
    ] {
        site.call("GET", &wrong).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
        let play = json!({ "outcome": "completed", "subject": "Ada" });
        site.call("POST", &wrong).json(&play).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_play_that_does_not_fit_is_refused() {
    let site = TestServer::start().await;
    let url = begun(&site).await;
    for (play, parameter) in [
        (json!({}), "outcome"),
        (json!({ "outcome": "maybe" }), "outcome"),
        (json!({ "outcome": "completed" }), "subject"),
        (json!({ "outcome": "completed", "subject": 1 }), "subject"),
        (json!({ "outcome": "completed", "subject": "x".repeat(256) }), "subject"),
    ] {
        let error = site.call("POST", &url).json(&play).send().await.expect(400);
        assert_eq!(error["error"]["details"]["parameter"], parameter, "{play}");
    }
    let text = site.call("POST", &url).body("text/plain", "outcome=failed").send().await;
    text.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(
        site.simulate(&url, &json!({ "outcome": "completed", "subject": "x".repeat(255) })).await,
        "claimed"
    );
}

#[tokio::test]
async fn there_is_none_in_production() {
    let site = TestServer::start().await;
    let url = begun(&site).await;
    let path = url.strip_prefix(&site.url).unwrap().to_owned();
    let site = site.restart_in_production().await;
    site.call("GET", &path).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
}
