//! A server behind PgBouncer (§13).

use serde_json::json;
use server::StartError;
use test_support::{Cluster, Durability, PoolMode, Pooler};

use super::starts::start;
use crate::support::{Store, TestDatabase, TestServer};

struct Setup {
    cluster: Cluster,
    _pooler: Pooler,
    direct: TestDatabase,
    url: db::PostgresUrl,
}

impl Setup {
    fn start(mode: PoolMode) -> Self {
        let cluster = Cluster::start(Durability::Fast).unwrap();
        let direct = cluster.create_database("pooled").unwrap();
        let pooler = Pooler::start(&cluster, mode).unwrap();
        let url = pooler.url(&cluster, "pooled").parse().unwrap();
        Self { cluster, _pooler: pooler, direct: TestDatabase::at(direct), url }
    }
}

#[tokio::test]
async fn a_server_works_behind_a_pooler_in_session_mode() {
    let Setup { cluster, _pooler, direct, url } = Setup::start(PoolMode::Session);
    let server = TestServer::start_on(direct, |config| config.database_url = Some(url)).await;
    server.order(&json!({ "title": "x" })).await.expect(201);
    server.run_background_tasks().await;
    assert_eq!(server.list().await[0]["type"], "challenge");
    server.get("/readyz").send().await.expect(200);
    assert_eq!(server.database().count(Store::Workspace, "challenge_requests").await, 1);
    let elsewhere = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(cluster.psql("pooled", elsewhere).unwrap(), "0\n");
}

#[tokio::test]
async fn a_pooler_in_transaction_mode_is_refused_in_words_before_anything_is_made() {
    let Setup { cluster, _pooler, direct, url } = Setup::start(PoolMode::Transaction);
    let refused = start(&direct, 1, |config| config.database_url = Some(url)).await;
    let refused: StartError = refused.err().expect("the start fails");
    assert!(refused.to_string().contains("use session mode in the pooler"), "{refused}");
    let made = "SELECT COUNT(*) FROM pg_tables WHERE schemaname !~ '^(pg_|information_)'";
    assert_eq!(cluster.psql("pooled", made).unwrap(), "0\n");
}
