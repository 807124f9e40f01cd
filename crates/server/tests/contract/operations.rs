//! §13: what operators look at.

use serde_json::json;

use crate::support::{TESTS, TestServer};

#[tokio::test]
async fn a_server_says_that_it_lives_and_that_it_is_ready() {
    let site = TestServer::start().await;
    assert_eq!(site.call("GET", "/healthz").send().await.expect(200), json!({ "status": "ok" }));
    assert_eq!(site.call("GET", "/readyz").send().await.expect(200), json!({ "status": "ready" }));
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_never_by_id() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x" })).await;
    site.take_part(&challenge, "bankidse", "Ada").await;
    site.get(&format!("{TESTS}/{challenge}")).send().await.expect(200);
    site.get("/made-up-path").send().await.expect(404);
    site.call("MADEUP", TESTS).send().await.expect(405);
    let metrics = site.call("GET", "/metrics").send().await;
    assert_eq!(metrics.status, 200);
    for line in [
        r#"fieldtest_http_requests_total{method="GET",route="/connect/v1/apps/{client_id}/production-tests/{id}",status="200"} "#,
        r#"fieldtest_http_requests_total{method="GET",route="none",status="404"} 1"#,
        r#"fieldtest_http_requests_total{method="other",route="/connect/v1/apps/{client_id}/production-tests",status="405"} 1"#,
        r#"fieldtest_hand_overs_total{outcome="scheduled"} 1"#,
        r#"fieldtest_stamp_decisions_total{outcome="claimed"} 1"#,
        r#"fieldtest_background_runs_total{task="hand_over",outcome="done"} 1"#,
        r#"fieldtest_store_group_size_count{store="connect"} "#,
    ] {
        assert!(metrics.text.contains(line), "{line}\n{}", metrics.text);
    }
    for secret in [&challenge, "FK5b0KSM", &site.api_key, "Ada", "made-up"] {
        assert!(!metrics.text.contains(secret), "{secret}");
    }
}
