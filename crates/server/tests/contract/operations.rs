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
        "fieldtest_verifications_total\
         {provider=\"bankidse\",kind=\"simulator\",outcome=\"succeeded\"} 1\n"
            .into(),
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

/// What Prometheus asks with.
const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

#[tokio::test]
async fn metrics_come_in_the_format_that_is_asked_for() {
    let server = TestServer::start().await;
    let classic = server.request("GET", "/metrics").send().await;
    assert_eq!(classic.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(classic.text.contains("# TYPE fieldtest_http_errors_total counter\n"));
    assert!(!classic.text.contains("# EOF"));
    let open = server.request("GET", "/metrics").header("accept", PROMETHEUS).send().await;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(open.header("content-type"), Some(content_type));
    assert!(open.text.contains("# TYPE fieldtest_http_errors counter\n"));
    assert!(open.text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn what_can_fail_is_counted_from_zero() {
    let server = TestServer::start_with_periodic_tasks(|_| {}).await;
    let metrics = server.metrics().await;
    for series in [
        "fieldtest_http_responses_total{class=\"5xx\"} 0",
        "fieldtest_http_errors_total{code=\"SYSTEM_INTERNAL_ERROR\"} 0",
        "fieldtest_hand_overs_total{outcome=\"failed\"} 0",
        "fieldtest_stamp_decisions_total{outcome=\"duplicate\"} 0",
        "fieldtest_webhook_attempts_total{outcome=\"unreachable\"} 0",
        "fieldtest_background_runs_total{task=\"hand_over\",outcome=\"failed\"} 0",
        "fieldtest_background_runs_total{task=\"look\",outcome=\"panicked\"} 0",
        "fieldtest_verifications_total{provider=\"bankidse\",kind=\"simulator\",outcome=\"misconfigured\"} 0",
        "fieldtest_build_info{version=\"0.1.0\"",
        "process_resident_memory_bytes ",
        "process_cpu_seconds_total ",
        "process_open_fds ",
        "process_max_fds ",
        "process_start_time_seconds ",
    ] {
        assert!(metrics.contains(&format!("\n{series}")), "{series}\n{metrics}");
    }
}

#[tokio::test]
async fn a_process_shows_nothing_of_roles_that_it_does_not_have() {
    let server = TestServer::start_with(|config| config.roles = "tpas".parse().unwrap()).await;
    server.run_background_tasks().await;
    let metrics = server.metrics().await;
    assert!(metrics.contains("fieldtest_store_available{store=\"tpas\"} 1\n"), "{metrics}");
    for absent in ["\"connect\"", "hand_over", "webhook", "pending"] {
        assert!(!metrics.contains(absent), "{absent}\n{metrics}");
    }
}

#[tokio::test]
async fn what_waits_is_shown_with_its_age() {
    let server = TestServer::start().await;
    let shows = async |lines: &[&str]| {
        let metrics = server.metrics().await;
        for line in lines {
            assert!(metrics.contains(&format!("\n{line}\n")), "{line}\n{metrics}");
        }
    };
    server.run_background_tasks().await;
    shows(&["fieldtest_pending_orders 0", "fieldtest_oldest_pending_order_age_seconds 0"]).await;
    // Another process took the order and does not go on with it.
    server.order(&json!({ "title": "x" })).await;
    let lease = "UPDATE challenge_requests SET next_attempt_at = next_attempt_at + 3600000
        RETURNING id";
    assert_eq!(server.database().rows(Store::Workspace, lease).await.len(), 1);
    server.advance(std::time::Duration::from_secs(90));
    server.run_background_tasks().await;
    shows(&[
        "fieldtest_pending_orders 1",
        "fieldtest_oldest_pending_order_age_seconds 90",
        "fieldtest_store_available{store=\"connect\"} 1",
        "fieldtest_store_available{store=\"tpas\"} 1",
        "fieldtest_store_queue_length{store=\"connect\"} 0",
        "fieldtest_store_queue_limit{store=\"connect\"} 16384",
    ])
    .await;
    // The age goes on without another look.
    server.advance(std::time::Duration::from_secs(10));
    shows(&["fieldtest_oldest_pending_order_age_seconds 100"]).await;
}
