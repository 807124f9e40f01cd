//! §7: how long a stream of events is open, and what it costs.

use std::time::Duration;

use futures_util::future::join_all;

use crate::events::{EVENTS, begun, cancel, follow, order};
use crate::support::TestServer;

#[tokio::test]
async fn head_is_answered_without_a_stream() {
    let site = TestServer::start().await;
    let head = site.call("HEAD", EVENTS).key(&site.api_key).send().await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    let metrics = site.call("GET", "/metrics").send().await.text;
    assert!(metrics.contains("fieldtest_event_streams 0\n"), "{metrics}");
}

#[tokio::test]
async fn a_stream_says_something_now_and_then_and_is_counted_while_it_is_open() {
    let site =
        TestServer::configured(|config| config.limits.heartbeat = Duration::from_millis(10)).await;
    let mut following = follow(&site).await;
    for _ in 0..3 {
        assert_eq!(following.block().await.unwrap(), [": nothing new"]);
    }
    let metrics = async || site.call("GET", "/metrics").send().await.text;
    assert!(metrics().await.contains("fieldtest_event_streams 1\n"));
    drop(following);
    while !metrics().await.contains("fieldtest_event_streams 0\n") {}
}

#[tokio::test]
async fn a_stream_ends_with_its_key() {
    let site = TestServer::start().await;
    let workspace = site.demo_workspace().await;
    let end = site.now().plus(Duration::from_secs(5));
    let expiring = site.key(&workspace, |key| key.expires_at = Some(end)).await;
    let revoked = site.key(&workspace, |key| key.name = "to be revoked".into()).await;
    let mut with_expiring = begun(site.call("GET", EVENTS).key(&expiring)).await;
    let mut with_revoked = begun(site.call("GET", EVENTS).key(&revoked)).await;
    let mut with_other = follow(&site).await;
    let now = site.now();
    site.database(async |store, _| {
        let keys = store.api_keys(None).await.unwrap();
        let id = keys.iter().find(|key| key.name == "to be revoked").unwrap().id;
        assert!(store.revoke_api_key(store_workspace::RevokeApiKey { id, now }).await.unwrap());
    })
    .await;
    site.round().await;
    with_revoked.ends().await;
    site.advance(Duration::from_secs(5));
    site.round().await;
    with_expiring.ends().await;
    let id = order(&site, 1).await;
    cancel(&site, &id).await;
    site.round().await;
    assert_eq!(with_other.events(1).await.len(), 1);
}

#[tokio::test]
async fn a_stream_ends_with_its_app() {
    let site = TestServer::start().await;
    let mut following = follow(&site).await;
    site.call("DELETE", "/connect/v1/apps/FK5b0KSM").key(&site.api_key).send().await.expect(200);
    site.round().await;
    following.ends().await;
    site.get(EVENTS).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn a_stopping_server_ends_its_streams_at_once() {
    let site = TestServer::configured(|config| config.limits.drain = Duration::from_hours(1)).await;
    let mut following = join_all((0..3).map(|_| follow(&site))).await;
    let (ground, ()) = tokio::join!(site.stop(), async {
        for following in &mut following {
            following.ends().await;
        }
    });
    drop(ground);
}

#[tokio::test]
async fn one_key_cannot_open_streams_without_end() {
    let site = TestServer::start().await;
    let mut open = join_all((0..100).map(|_| follow(&site))).await;
    site.get(EVENTS).send().await.expect_error(429, "RATE_LIMIT_EXCEEDED");
    let other = site.key(&site.demo_workspace().await, |_| {}).await;
    begun(site.call("GET", EVENTS).key(&other)).await;
    open.pop();
    while site.call("HEAD", EVENTS).key(&site.api_key).send().await.status != 200 {}
}
