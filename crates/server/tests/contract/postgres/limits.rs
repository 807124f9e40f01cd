//! The options for the database take effect (§13).

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Store, TESTS, TestServer};

#[tokio::test]
async fn a_write_waits_for_the_database_as_long_as_the_option_says() {
    let timeout = Duration::from_millis(2500);
    let server = TestServer::start_with(|config| config.database_timeout = timeout).await;
    let lock = server.database().lock_orders().await;
    let start = Instant::now();
    server.order(&json!({ "title": "x" })).await.expect_error(503, "SYSTEM_UNAVAILABLE");
    // The clocks of PostgreSQL and of this process differ by some milliseconds. The default is
    // 1500 ms.
    assert!(start.elapsed() >= timeout - Duration::from_millis(100), "{:?}", start.elapsed());
    drop(lock);
    server.order(&json!({ "title": "x" })).await.expect(201);
}

#[tokio::test]
async fn a_server_has_as_many_reading_connections_as_the_option_says() {
    let server = TestServer::start_with(|config| config.database_connections = 2).await;
    let lock = server.database().connection(Store::Workspace).await;
    lock.batch_execute("BEGIN; LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let waiting = "SELECT COUNT(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND datname = current_database()";
    let mut most = 0;
    let observe = async {
        loop {
            most = most.max(server.database().number(Store::Workspace, waiting).await);
        }
    };
    let requests = join_all((0..8).map(|_| server.get(TESTS).send()));
    tokio::select! {
        responses = requests => for response in responses {
            response.expect_error(503, "SYSTEM_UNAVAILABLE");
        },
        () = observe => {}
    }
    assert_eq!(most, 2);
}
