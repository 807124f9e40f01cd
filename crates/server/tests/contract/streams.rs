//! §7: how long a stream of events is open, and how many may be.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::events::{EVENTS, open_stream, order_and_cancel};
use crate::support::{APP, Store, TestServer, eventually};

#[tokio::test]
async fn head_is_answered_without_opening_a_stream() {
    let server = TestServer::start().await;
    let head = server.authorized("HEAD", EVENTS).send().await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    let metrics = server.metrics().await;
    assert!(metrics.contains("fieldtest_event_streams 0\n"), "{metrics}");
}

#[tokio::test]
async fn a_silent_stream_has_heartbeats_and_is_counted_until_it_is_closed() {
    let heartbeat = Duration::from_millis(10);
    let server = TestServer::start_with(|config| config.limits.heartbeat = heartbeat).await;
    let mut stream = open_stream(&server).await;
    for _ in 0..3 {
        assert_eq!(stream.next_block().await.unwrap(), [": nothing new"]);
    }
    let has_streams = async |count: u32| {
        server.metrics().await.contains(&format!("fieldtest_event_streams {count}\n"))
    };
    assert!(has_streams(1).await);
    drop(stream);
    eventually("the stream is no longer counted", async || has_streams(0).await).await;
}

#[tokio::test]
async fn a_stream_ends_when_its_key_expires_or_is_revoked() {
    let server = TestServer::start().await;
    let workspace = server.demo_workspace().await;
    let end = server.now().plus(Duration::from_secs(5));
    let expiring = server.create_key(&workspace, |key| key.expires_at = Some(end)).await;
    let revoked = server.create_key(&workspace, |key| key.name = "to be revoked".into()).await;
    let open = async |key: &str| {
        server.request("GET", EVENTS).bearer(key).open_stream().await.opening().await
    };
    let mut with_expiring = open(&expiring).await;
    let mut with_revoked = open(&revoked).await;
    let mut with_valid = open(&server.api_key).await;
    server.revoke_key(|key| key.name == "to be revoked").await;
    server.run_background_tasks().await;
    with_revoked.expect_end().await;
    server.advance(Duration::from_secs(5));
    server.run_background_tasks().await;
    with_expiring.expect_end().await;
    order_and_cancel(&server).await;
    server.run_background_tasks().await;
    assert_eq!(with_valid.next_events(1).await, [json!(["cancelled", null])]);
}

#[tokio::test]
async fn a_stream_ends_when_its_app_is_deleted() {
    let server = TestServer::start().await;
    let mut stream = open_stream(&server).await;
    server.authorized("DELETE", APP).send().await.expect(200);
    server.run_background_tasks().await;
    stream.expect_end().await;
    server.get(EVENTS).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn a_stream_ends_when_its_numbers_go_back_as_after_a_failover_that_lost_commits() {
    let server = TestServer::start().await;
    let mut stream = open_stream(&server).await;
    for _ in 0..2 {
        order_and_cancel(&server).await;
    }
    server.run_background_tasks().await;
    assert_eq!(stream.next_events(2).await.len(), 2);
    // The newest event is lost.
    for lost in [
        "DELETE FROM events WHERE sequence = 2 RETURNING 1",
        "UPDATE event_sequences SET newest = 1 RETURNING 1",
    ] {
        assert_eq!(server.database().rows(Store::Workspace, lost).await.len(), 1);
    }
    server.run_background_tasks().await;
    stream.expect_end().await;
    let again = server.get(EVENTS).header("Last-Event-ID", "2").send().await;
    let error = again.expect_error(409, "RESOURCE_CONFLICT");
    assert_eq!(error["details"]["resumeAfter"], "0");
    let mut again = open_stream(&server).await;
    order_and_cancel(&server).await;
    server.run_background_tasks().await;
    assert_eq!(again.next_events(1).await, [json!(["cancelled", null])]);
}

#[tokio::test]
async fn a_stopping_server_ends_its_streams_at_once() {
    let drain = Duration::from_hours(1);
    let server = TestServer::start_with(|config| config.limits.drain = drain).await;
    let mut streams = join_all((0..3).map(|_| open_stream(&server))).await;
    let ended = join_all(streams.iter_mut().map(|stream| stream.expect_end()));
    tokio::join!(server.stop(), ended);
}

#[tokio::test]
async fn a_key_can_have_one_hundred_open_streams() {
    let server = TestServer::start().await;
    let mut streams = join_all((0..100).map(|_| open_stream(&server))).await;
    server.get(EVENTS).send().await.expect_error(429, "RATE_LIMIT_EXCEEDED");
    let other = server.second_key().await;
    server.request("GET", EVENTS).bearer(&other).open_stream().await.opening().await;
    streams.pop();
    eventually("a closed stream makes way for another", async || {
        match server.get(EVENTS).try_open_stream().await {
            Ok(_stream) => true,
            Err(refused) => {
                refused.expect_error(429, "RATE_LIMIT_EXCEEDED");
                false
            }
        }
    })
    .await;
}
