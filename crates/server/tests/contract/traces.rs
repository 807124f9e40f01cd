//! §13: traces that follow an order.

use serde_json::{Value, json};

use crate::support::receiver::{Answer, Receiver};
use crate::support::{TESTS, TestServer, eventually};

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn server_for(collector: &Receiver) -> TestServer {
    let url = collector.url.clone();
    TestServer::start_with_periodic_tasks(|config| config.otlp_endpoint = Some(url)).await
}

/// Orders a test as somebody who is traced, and has a stamp granted. The request's id.
async fn ordered_and_stamped(server: &TestServer) -> String {
    let order = json!({ "title": "the title" });
    let ordered = server.post(TESTS).header("traceparent", CALLER).json(&order).send().await;
    let id = ordered.expect(201)["id"].as_str().unwrap().to_owned();
    let path = format!("{TESTS}/{id}");
    eventually("it is scheduled", async || {
        server.get(&path).send().await.expect(200)["challenge"].is_object()
    })
    .await;
    let challenge = id.replacen("req_", "ch_", 1);
    server.join_and_verify(&challenge, "bankidse", "Ada").await;
    id
}

/// The spans that the collector got, by name.
fn spans(collector: &Receiver) -> Vec<Value> {
    let bodies = collector.delivered().into_iter().map(|request| request.json());
    let scopes = bodies.map(|body| body["resourceSpans"][0]["scopeSpans"][0]["spans"].clone());
    scopes.flat_map(|spans| spans.as_array().unwrap().clone()).collect()
}

#[tokio::test]
async fn a_trace_follows_an_order_from_the_post_to_the_stamp() {
    let collector = Receiver::start(&[Answer::Status(200)]).await;
    let server = server_for(&collector).await;
    let id = ordered_and_stamped(&server).await;
    eventually("the stamp is traced", async || {
        spans(&collector).iter().any(|span| span["name"] == "stamp")
    })
    .await;
    let spans = spans(&collector);
    let named = |name: &str| {
        let mut found = spans.iter().filter(|span| span["name"] == name);
        let span = found.next().unwrap_or_else(|| panic!("{name} is not in {spans:?}")).clone();
        assert!(found.next().is_none(), "{name} is there once");
        span
    };
    // The id of the request gives the id of the trace.
    let trace = id.trim_start_matches("req_").replace('-', "");
    for (name, parent) in [
        ("hand over", "order"),
        ("join", "order"),
        ("verification", "join"),
        ("stamp", "verification"),
    ] {
        assert_eq!(named(name)["traceId"], trace);
        assert_eq!(named(name)["parentSpanId"], named(parent)["spanId"], "{name}");
        assert_eq!(named(name)["status"], json!({}));
    }
    let root = named("order");
    assert_eq!((&root["traceId"], &root["parentSpanId"]), (&json!(trace), &json!("")));
    let caller =
        json!([{ "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7" }]);
    assert_eq!(root["links"], caller);
    let resource = collector.delivered()[0].json()["resourceSpans"][0]["resource"].to_string();
    assert!(resource.contains("fieldtest") && resource.contains("sandbox"), "{resource}");
    let everything: String = collector.delivered().into_iter().map(|it| it.body).collect();
    for secret in ["Ada", "the title", "code=", &server.api_key] {
        assert!(!everything.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_collector_that_fails_delays_nothing() {
    for answer in [Answer::Status(503), Answer::Silence] {
        let collector = Receiver::start(&[answer]).await;
        let server = server_for(&collector).await;
        ordered_and_stamped(&server).await;
        assert!(server.metrics().await.contains("fieldtest_trace_spans_total{outcome=\"failed\"}"));
    }
}

#[tokio::test]
async fn without_a_collector_there_is_no_trace_of_traces() {
    let server = TestServer::start().await;
    assert!(!server.metrics().await.contains("trace_spans"));
}
