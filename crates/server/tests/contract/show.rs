//! §7: reading one production test.

use serde_json::{Value, json};

use crate::support::{TESTS, TestServer};

#[tokio::test]
async fn location_can_be_followed_before_and_after_scheduling() {
    let site = TestServer::start().await;
    let created = site.order(&json!({ "title": "BankID", "maxStamps": 2 })).await;
    let request = created.expect(201);
    let location = created.header("location").unwrap();

    let mut expected = request.clone();
    expected["challenge"] = Value::Null;
    expected["scheduling"] =
        json!({ "attempts": 0, "nextAttemptAt": "2026-04-08T10:00:00.000Z", "lastError": null });
    expected["updatedAt"] = json!("2026-04-08T10:00:00.000Z");
    assert_eq!(site.get(location).send().await.expect(200), expected);

    site.advance(std::time::Duration::from_secs(2));
    site.round().await;
    let scheduled = site.get(location).send().await.expect(200);
    assert_eq!(scheduled["status"], "scheduled");
    assert_eq!(scheduled["challengeId"], scheduled["challenge"]["id"]);
    assert_eq!(scheduled["payload"], request["payload"]);
    assert_eq!(
        scheduled["scheduling"],
        json!({ "attempts": 1, "nextAttemptAt": null, "lastError": null })
    );
    assert_eq!(scheduled["updatedAt"], "2026-04-08T10:00:02.000Z");
    let by_challenge = format!("{TESTS}/{}", scheduled["challengeId"].as_str().unwrap());
    assert_eq!(site.get(&by_challenge).send().await.expect(200), scheduled);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let site = TestServer::start().await;
    let request = site.order(&json!({ "title": "BankID" })).await.expect(201);
    let uuid = request["id"].as_str().unwrap().strip_prefix("req_").unwrap();
    for id in [
        "req_00000000-0000-7000-8000-000000000000".to_owned(),
        "ch_00000000-0000-7000-8000-000000000000".into(),
        format!("ch_{uuid}"),
        uuid.to_owned(),
        format!("req_{}", uuid.to_uppercase().replace('0', "A")),
        "nonsense".into(),
    ] {
        site.get(&format!("{TESTS}/{id}")).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    }
    site.app(&site.demo_workspace().await, "OtherApp", &["bankidse"]).await;
    let elsewhere = format!("/connect/v1/apps/OtherApp/production-tests/req_{uuid}");
    site.get(&elsewhere).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
}
