//! §11: the workspace.

use serde_json::json;

use crate::support::TestServer;

const WORKSPACE: &str = "/connect/v1/workspace";

#[tokio::test]
async fn a_key_reads_its_workspace_with_the_number_of_apps() {
    let server = TestServer::start().await;
    let id = server.demo_workspace().await;
    let expected = json!({ "id": id.as_str(), "apps_count": 1,
        "createdAt": "2026-04-08T10:00:00.000Z", "created_at": 1_775_642_400 });
    assert_eq!(server.get(WORKSPACE).send().await.expect(200), expected);
    server.create_app(&id, "OtherApp", &[]).await;
    assert_eq!(server.get(WORKSPACE).send().await.expect(200)["apps_count"], 2);
}

#[tokio::test]
async fn each_key_reads_its_own_workspace() {
    let server = TestServer::start().await;
    let (id, key) = server.create_workspace().await;
    let workspace = server.request("GET", WORKSPACE).bearer(&key).send().await.expect(200);
    assert_eq!((&workspace["id"], &workspace["apps_count"]), (&json!(id.as_str()), &json!(0)));
    let without_key = server.request("GET", WORKSPACE).send().await;
    without_key.expect_error(401, "AUTH_INVALID_CREDENTIALS");
}
