//! A database that stops, falls silent, or is cut off at the worst of moments.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Cluster, Durability, Stop};
use tokio::time::timeout;

use crate::support::link::{Link, Weather};
use crate::support::{Answer, Ground, TESTS, Tables, TestServer};

/// What callers are promised while the database is away (§3).
const PROMISED: Duration = Duration::from_secs(2);

/// How soon after the database's return everything works again (§3).
const RECOVERY: Duration = Duration::from_secs(5);

/// A site whose database is behind a link that can be cut.
struct Remote {
    cluster: Cluster,
    link: Link,
    site: TestServer,
}

impl Remote {
    async fn start() -> Self {
        let cluster = Cluster::start(Durability::Real).unwrap();
        let direct = cluster.create_database("remote").unwrap();
        let link = Link::to(cluster.address()).await;
        let url = link.url(&direct, cluster.address());
        let site = TestServer::on(Ground::beside(direct), |config| {
            config.database_url = Some(url.parse().unwrap())
        })
        .await;
        Self { cluster, link, site }
    }

    async fn order(&self, key: &str) -> Answer {
        let call = self.site.post(TESTS).idempotency_key(key).json(&json!({ "title": key })).send();
        timeout(PROMISED, call).await.expect("an answer in time")
    }

    async fn get(&self, path: &str) -> Answer {
        timeout(PROMISED, self.site.get(path).send()).await.expect("an answer in time")
    }

    /// Orders until it works: the database is back, and nobody has to do anything about it.
    async fn order_until_it_works(&self, key: &str) {
        let insist = async {
            loop {
                let answer = self.order(key).await;
                if answer.status == 201 {
                    return;
                }
                answer.expect_error(503, "SYSTEM_UNAVAILABLE");
            }
        };
        timeout(RECOVERY, insist).await.expect("everything works again in time");
    }

    async fn stored(&self) -> String {
        self.site
            .ground()
            .value(Tables::Connect, "SELECT COUNT(*) FROM challenge_requests")
            .await
            .unwrap()
    }

    async fn is_out_of_order(&self, why: &str) {
        self.order("during the outage").await.expect_error(503, "SYSTEM_UNAVAILABLE");
        self.get(TESTS).await.expect_error(503, "SYSTEM_UNAVAILABLE");
        self.get("/healthz").await.expect(200);
        let error = self.get("/readyz").await.expect_error(503, "SYSTEM_UNAVAILABLE");
        assert!(error["message"].as_str().unwrap().contains(why), "{error}");
    }

    async fn works(&self, before: &Value) {
        self.order_until_it_works("during the outage").await;
        self.get("/readyz").await.expect(200);
        let listed = self.get(TESTS).await.expect(200);
        assert_eq!(listed[0]["request"]["id"], before["id"], "what was acknowledged is there");
        assert_eq!(self.stored().await, "2");
    }
}

#[tokio::test]
async fn while_the_database_is_down_callers_are_told_at_once_and_then_all_is_well_again() {
    let mut remote = Remote::start().await;
    let before = remote.order("before").await.expect(201);
    remote.cluster.stop(Stop::Immediate).unwrap();
    remote.is_out_of_order("cannot be reached").await;
    remote.cluster.start_again().unwrap();
    remote.works(&before).await;
}

#[tokio::test]
async fn while_the_database_is_silent_callers_are_told_in_time_and_then_all_is_well_again() {
    let remote = Remote::start().await;
    let before = remote.order("before").await.expect(201);
    remote.link.change(Weather::Silent);
    remote.is_out_of_order("does not answer in time").await;
    remote.link.change(Weather::Fair);
    remote.works(&before).await;
}

#[tokio::test]
async fn connections_that_broke_while_nobody_used_them_are_nobodys_trouble() {
    let remote = Remote::start().await;
    for round in 0..3 {
        remote.order(&format!("order {round}")).await.expect(201);
        remote.get(TESTS).await.expect(200);
        remote.link.cut_all().await;
    }
    remote.order("one more").await.expect(201);
    assert_eq!(remote.stored().await, "4");
}

#[tokio::test]
async fn what_was_cut_off_before_the_commit_has_not_happened_and_blocks_no_key() {
    let remote = Remote::start().await;
    remote.link.change(Weather::CutBeforeCommit);
    remote.order("key").await.expect_error(503, "SYSTEM_UNAVAILABLE");
    remote.link.is_fair_again().await;
    assert_eq!(remote.stored().await, "0");
    let answer = remote.order("key").await;
    answer.expect(201);
    assert_eq!(answer.header("idempotency-replayed"), None);
    assert_eq!(remote.stored().await, "1");
}

#[tokio::test]
async fn what_was_cut_off_after_the_commit_has_happened_and_is_replayed() {
    let remote = Remote::start().await;
    remote.link.change(Weather::CutAfterCommit);
    remote.order("key").await.expect_error(503, "SYSTEM_UNAVAILABLE");
    remote.link.is_fair_again().await;
    assert_eq!(remote.stored().await, "1");
    let answer = remote.order("key").await;
    answer.expect(201);
    assert_eq!(answer.header("idempotency-replayed"), Some("true"));
    assert_eq!(remote.stored().await, "1");
}

#[tokio::test]
async fn a_standby_says_that_it_is_read_only() {
    let remote = Remote::start().await;
    let database = "ALTER DATABASE remote SET default_transaction_read_only = on";
    remote.cluster.psql("postgres", database).unwrap();
    // Connections that are there already know nothing of it.
    remote.link.cut_all().await;
    remote.order("key").await.expect_error(503, "SYSTEM_UNAVAILABLE");
    remote.get(TESTS).await.expect(200);
    let error = remote.get("/readyz").await.expect_error(503, "SYSTEM_UNAVAILABLE");
    assert!(error["message"].as_str().unwrap().contains("is read-only"), "{error}");
}
