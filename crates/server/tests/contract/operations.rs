//! §13: health and metrics.

use serde_json::json;

use crate::support::{Store, TESTS, TestServer};

#[tokio::test]
async fn a_server_is_alive_and_ready() {
    let server = TestServer::start().await;
    let get = async |path| server.request("GET", path).send().await.expect(200);
    assert_eq!(get("/healthz").await, json!({ "status": "ok" }));
    assert_eq!(get("/readyz").await, json!({ "status": "ready" }));
}

#[tokio::test]
async fn the_readiness_probe_writes_what_a_full_disk_or_a_lost_standby_would_refuse() {
    let server = TestServer::start().await;
    let probes = "SELECT CAST(value AS BIGINT) FROM deployment_facts WHERE name = 'probes'";
    for count in 1..=2 {
        server.request("GET", "/readyz").send().await.expect(200);
        for store in [Store::Workspace, Store::Challenge] {
            assert_eq!(server.database().number(store, probes).await, count);
        }
    }
}

#[tokio::test]
async fn metrics_are_labelled_with_routes_and_never_with_ids_or_secrets() {
    let server = TestServer::start().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    server.join_and_verify(&challenge, "bankidse", "Ada").await;
    server.show(&challenge).await;
    server.get("/made-up-path").send().await.expect(404);
    server.request("MADEUP", TESTS).send().await.expect(405);
    let metrics = server.metrics().await;
    let requests = |method: &str, route: &str, status: u16| {
        format!(
            "fieldtest_http_requests_total\
             {{method=\"{method}\",route=\"{route}\",status=\"{status}\"}} "
        )
    };
    let tests = "/connect/v1/apps/{client_id}/production-tests";
    for line in [
        requests("GET", &format!("{tests}/{{id}}"), 200),
        requests("GET", "none", 404) + "1\n",
        requests("other", tests, 405) + "1\n",
        "fieldtest_hand_overs_total{outcome=\"scheduled\"} 1\n".into(),
        "fieldtest_stamp_decisions_total{outcome=\"claimed\"} 1\n".into(),
        "fieldtest_background_runs_total{task=\"hand_over\",outcome=\"done\"} 1\n".into(),
        "fieldtest_store_group_size_count{store=\"connect\"} ".into(),
    ] {
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
    for secret in [&challenge, "FK5b0KSM", &server.api_key, "Ada", "made-up"] {
        assert!(!metrics.contains(secret), "{secret}");
    }
}
