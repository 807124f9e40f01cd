//! §7: trying a failed production test again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fake_service::{FakeService, Reaction};
use crate::support::{Answer, TESTS, TestServer};

/// A site whose first order has failed.
async fn failed(after: &[Reaction]) -> (TestServer, TestServer, String) {
    let real = TestServer::start().await;
    let reactions = [&[Reaction::Status(400, ""), Reaction::Status(404, "")], after].concat();
    let url = FakeService::start(Some(real.url.clone()), &reactions).await.url;
    let site = TestServer::configured(move |config| config.tpas_url = Some(url)).await;
    let id = site.order(&json!({ "title": "BankID" })).await.expect(201)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    site.round().await;
    assert_eq!(read(&site, &id).await["status"], "failed");
    (real, site, id)
}

async fn read(site: &TestServer, id: &str) -> Value {
    site.get(&format!("{TESTS}/{id}")).send().await.expect(200)
}

async fn retry(site: &TestServer, id: &str) -> Answer {
    site.post(&format!("{TESTS}/{id}/retry")).send().await
}

#[tokio::test]
async fn a_failed_request_becomes_pending_and_is_attempted_as_if_it_were_new() {
    let (_real, site, id) = failed(&[Reaction::Forward]).await;
    site.advance(Duration::from_hours(48));
    let retried = retry(&site, &id).await.expect(200);
    assert_eq!(retried["status"], "pending");
    let now = site.now().to_string();
    assert_eq!(
        retried["scheduling"],
        json!({ "attempts": 0, "nextAttemptAt": now, "lastError": null })
    );
    site.round().await;
    let scheduled = read(&site, &id).await;
    assert_eq!(
        (&scheduled["status"], &scheduled["scheduling"]["attempts"]),
        (&json!("scheduled"), &json!(1))
    );
}

#[tokio::test]
async fn it_has_another_day() {
    let (_real, site, id) = failed(&[Reaction::Cut]).await;
    site.advance(Duration::from_hours(48));
    retry(&site, &id).await.expect(200);
    site.round().await;
    assert_eq!(read(&site, &id).await["status"], "pending", "not given up at once");
    site.advance(Duration::from_hours(25));
    site.round().await;
    assert_eq!(read(&site, &id).await["status"], "failed");
}

#[tokio::test]
async fn to_retry_twice_changes_nothing() {
    let (_real, site, id) = failed(&[Reaction::Forward]).await;
    site.advance(Duration::from_secs(1));
    let first = retry(&site, &id).await.expect(200);
    site.advance(Duration::from_secs(1));
    assert_eq!(retry(&site, &id).await.expect(200), first);
}

#[tokio::test]
async fn what_has_not_failed_cannot_be_retried() {
    let site = TestServer::start().await;
    let id =
        site.order(&json!({ "title": "x" })).await.expect(201)["id"].as_str().unwrap().to_owned();
    let refused = async |status: &str| {
        let error = retry(&site, &id).await.expect_error(409, "RESOURCE_CONFLICT");
        assert_eq!(error["details"]["status"], status);
    };
    refused("pending").await;
    site.post(&format!("{TESTS}/{id}/cancel")).send().await.expect(200);
    refused("cancelled").await;
    let challenge = site.challenge(&json!({ "title": "x" })).await;
    let error = retry(&site, &challenge).await.expect_error(409, "RESOURCE_CONFLICT");
    assert_eq!(error["details"]["status"], "scheduled");
}

#[tokio::test]
async fn only_who_may_change_things_can_retry_and_only_their_own() {
    let (_real, site, id) = failed(&[Reaction::Forward]).await;
    let workspace = site.demo_workspace().await;
    let reader = site.key(&workspace, |key| key.access = domain::api_key::Access::ReadOnly).await;
    let path = format!("{TESTS}/{id}/retry");
    site.call("POST", &path).key(&reader).send().await.expect_error(403, "AUTH_FORBIDDEN");
    let (_, stranger) = site.workspace().await;
    site.call("POST", &path).key(&stranger).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    assert_eq!(read(&site, &id).await["status"], "failed");
}
