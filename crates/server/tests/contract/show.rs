//! §7: reading one production test.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{TESTS, TestServer, id_of, tests_of};

#[tokio::test]
async fn the_location_of_an_order_is_valid_before_and_after_scheduling() {
    let server = TestServer::start().await;
    let created = server.order(&json!({ "title": "BankID", "maxStamps": 2 })).await;
    let request = created.expect(201);
    let location = created.header("location").unwrap();

    let mut expected = request.clone();
    expected["challenge"] = Value::Null;
    expected["scheduling"] =
        json!({ "attempts": 0, "nextAttemptAt": "2026-04-08T10:00:00.000Z", "lastError": null });
    expected["updatedAt"] = json!("2026-04-08T10:00:00.000Z");
    assert_eq!(server.get(location).send().await.expect(200), expected);

    server.advance(Duration::from_secs(2));
    server.run_background_tasks().await;
    let scheduled = server.get(location).send().await.expect(200);
    assert_eq!(scheduled["status"], "scheduled");
    let challenge_id = scheduled["challengeId"].as_str().unwrap();
    assert_eq!(scheduled["challenge"]["id"], challenge_id);
    assert_eq!(scheduled["payload"], request["payload"]);
    let expected = json!({ "attempts": 1, "nextAttemptAt": null, "lastError": null });
    assert_eq!(scheduled["scheduling"], expected);
    assert_eq!(scheduled["updatedAt"], "2026-04-08T10:00:02.000Z");
    assert_eq!(server.show(challenge_id).await, scheduled);
}

#[tokio::test]
async fn an_unknown_or_malformed_id_and_the_id_of_another_app_are_not_found() {
    let server = TestServer::start().await;
    let request = server.order(&json!({ "title": "BankID" })).await.expect(201);
    let uuid = id_of(&request).strip_prefix("req_").unwrap();
    for id in [
        "req_00000000-0000-7000-8000-000000000000".to_owned(),
        "ch_00000000-0000-7000-8000-000000000000".into(),
        format!("ch_{uuid}"),
        uuid.to_owned(),
        format!("req_{}", uuid.to_uppercase().replace('0', "A")),
        "nonsense".into(),
    ] {
        let response = server.get(&format!("{TESTS}/{id}")).send().await;
        response.expect_error(404, "RESOURCE_NOT_FOUND");
    }
    server.create_app(&server.demo_workspace().await, "OtherApp", &["bankidse"]).await;
    let at_other_app = server.get(&format!("{}/req_{uuid}", tests_of("OtherApp"))).send().await;
    at_other_app.expect_error(404, "RESOURCE_NOT_FOUND");
}
