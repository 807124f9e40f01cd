//! §11: the workspace.

use serde_json::json;

use crate::support::TestServer;

#[tokio::test]
async fn a_key_tells_whose_it_is() {
    let site = TestServer::start().await;
    let workspace = site.get("/connect/v1/workspace").send().await.expect(200);
    let id = site.demo_workspace().await;
    let made = "2026-04-08T10:00:00.000Z";
    assert_eq!(
        workspace,
        json!({ "id": id.as_str(), "apps_count": 1, "createdAt": made, "created_at": 1_775_642_400 })
    );
    site.app(&id, "OtherApp", &[]).await;
    assert_eq!(site.get("/connect/v1/workspace").send().await.expect(200)["apps_count"], 2);
}

#[tokio::test]
async fn a_workspace_sees_itself_only() {
    let site = TestServer::start().await;
    let (id, key) = site.workspace().await;
    let workspace = site.call("GET", "/connect/v1/workspace").key(&key).send().await.expect(200);
    assert_eq!((&workspace["id"], &workspace["apps_count"]), (&json!(id.as_str()), &json!(0)));
    site.call("GET", "/connect/v1/workspace")
        .send()
        .await
        .expect_error(401, "AUTH_INVALID_CREDENTIALS");
}
