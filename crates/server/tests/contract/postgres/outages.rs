//! A database that stops, falls silent, or disconnects at the worst moment (§3).

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Cluster, Durability, Stop};
use tokio::time::timeout;

use crate::support::fault_proxy::{Fault, FaultProxy};
use crate::support::{Store, TESTS, TestDatabase, TestResponse, TestServer};

/// Within this time every request is answered while the database is away.
const RESPONSE_LIMIT: Duration = Duration::from_secs(2);

/// Within this time everything works again after the database's return.
const RECOVERY_LIMIT: Duration = Duration::from_secs(5);

/// A server that reaches its database through a proxy that injects faults.
struct Setup {
    cluster: Cluster,
    proxy: FaultProxy,
    server: TestServer,
}

impl Setup {
    async fn start() -> Self {
        let cluster = Cluster::start(Durability::Real).unwrap();
        let direct = cluster.create_database("remote").unwrap();
        let proxy = FaultProxy::start(cluster.address()).await;
        let url = proxy.url(&direct, cluster.address()).parse().unwrap();
        let through_proxy = |config: &mut server::Config| config.database_url = Some(url);
        let server = TestServer::start_on(TestDatabase::at(direct), through_proxy).await;
        Self { cluster, proxy, server }
    }

    async fn order(&self, key: &str) -> TestResponse {
        let order = json!({ "title": key });
        let response = self.server.order_with_key(key, &order);
        timeout(RESPONSE_LIMIT, response).await.expect("a response in time")
    }

    async fn get(&self, path: &str) -> TestResponse {
        let response = self.server.get(path).send();
        timeout(RESPONSE_LIMIT, response).await.expect("a response in time")
    }

    async fn request_count(&self) -> usize {
        self.server.database().count(Store::Workspace, "challenge_requests").await
    }

    /// Everything that needs the database is unavailable, and the server says why.
    async fn assert_unavailable(&self, reason: &str) {
        self.order("during the outage").await.expect_error(503, "SYSTEM_UNAVAILABLE");
        self.get(TESTS).await.expect_error(503, "SYSTEM_UNAVAILABLE");
        self.get("/healthz").await.expect(200);
        self.assert_not_ready(reason).await;
    }

    async fn assert_not_ready(&self, reason: &str) {
        let error = self.get("/readyz").await.expect_error(503, "SYSTEM_UNAVAILABLE");
        assert!(error["message"].as_str().unwrap().contains(reason), "{error}");
    }

    /// Orders until that succeeds. Then everything works, and what was acknowledged is stored.
    async fn assert_recovers(&self, acknowledged: &Value) {
        let succeeds = async {
            loop {
                let response = self.order("during the outage").await;
                if response.status == 201 {
                    return;
                }
                response.expect_error(503, "SYSTEM_UNAVAILABLE");
            }
        };
        timeout(RECOVERY_LIMIT, succeeds).await.expect("everything works again in time");
        self.get("/readyz").await.expect(200);
        let listed = self.get(TESTS).await.expect(200);
        assert_eq!(listed[0]["request"]["id"], acknowledged["id"]);
        assert_eq!(self.request_count().await, 2);
    }
}

#[tokio::test]
async fn while_the_database_is_down_requests_are_unavailable_and_it_recovers() {
    let mut setup = Setup::start().await;
    let before = setup.order("before").await.expect(201);
    setup.cluster.stop(Stop::Immediate).unwrap();
    setup.assert_unavailable("cannot be reached").await;
    setup.cluster.start_again().unwrap();
    setup.assert_recovers(&before).await;
}

#[tokio::test]
async fn while_the_database_is_silent_requests_are_unavailable_and_it_recovers() {
    let setup = Setup::start().await;
    let before = setup.order("before").await.expect(201);
    setup.proxy.inject(Fault::Silence);
    setup.assert_unavailable("does not answer in time").await;
    setup.proxy.inject(Fault::None);
    setup.assert_recovers(&before).await;
}

#[tokio::test]
async fn a_connection_that_broke_while_it_was_idle_is_replaced_without_an_error() {
    let setup = Setup::start().await;
    for number in 0..3 {
        setup.order(&format!("order {number}")).await.expect(201);
        setup.get(TESTS).await.expect(200);
        setup.proxy.disconnect_all().await;
    }
    setup.order("one more").await.expect(201);
    assert_eq!(setup.request_count().await, 4);
}

/// Orders while this fault is injected; the number of requests that are stored, and whether the
/// repetition is a replay.
async fn order_during(fault: Fault) -> (usize, bool) {
    let setup = Setup::start().await;
    setup.proxy.inject(fault);
    setup.order("key").await.expect_error(503, "SYSTEM_UNAVAILABLE");
    setup.proxy.fault_has_happened().await;
    let stored = setup.request_count().await;
    let repeated = setup.order("key").await;
    repeated.expect(201);
    assert_eq!(setup.request_count().await, 1);
    (stored, repeated.is_replay())
}

#[tokio::test]
async fn an_order_cut_off_before_its_commit_is_not_stored_and_does_not_use_its_key() {
    assert_eq!(order_during(Fault::DisconnectBeforeCommit).await, (0, false));
}

#[tokio::test]
async fn an_order_cut_off_after_its_commit_is_stored_and_replayed() {
    assert_eq!(order_during(Fault::DisconnectAfterCommit).await, (1, true));
}

#[tokio::test]
async fn a_server_on_a_read_only_database_answers_reads_and_is_not_ready() {
    let setup = Setup::start().await;
    let read_only = "ALTER DATABASE remote SET default_transaction_read_only = on";
    setup.cluster.psql("postgres", read_only).unwrap();
    // The setting applies to new connections only.
    setup.proxy.disconnect_all().await;
    setup.order("key").await.expect_error(503, "SYSTEM_UNAVAILABLE");
    setup.get(TESTS).await.expect(200);
    setup.assert_not_ready("is read-only").await;
}

#[tokio::test]
async fn without_its_synchronous_standby_a_server_is_not_ready_and_holds_no_more_connections() {
    let setup = Setup::start().await;
    let before = setup.order("before").await.expect(201);
    let set = |sql: &str| {
        for sql in [sql, "SELECT pg_reload_conf()"] {
            setup.cluster.psql("postgres", sql).unwrap();
        }
        // The signal arrives at the backends by and by. What they do next follows the new setting.
        setup.cluster.psql("postgres", "CHECKPOINT").unwrap();
    };
    set("ALTER SYSTEM SET synchronous_standby_names = 'away'");
    for _ in 0..3 {
        setup.order("during the outage").await.expect_error(503, "SYSTEM_UNAVAILABLE");
        setup.assert_not_ready("does not answer in time").await;
    }
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let waiting: usize = setup.cluster.psql("postgres", waiting).unwrap().trim().parse().unwrap();
    // Two for each store.
    assert!((1..=4).contains(&waiting), "{waiting}");
    set("ALTER SYSTEM RESET synchronous_standby_names");
    setup.assert_recovers(&before).await;
}
