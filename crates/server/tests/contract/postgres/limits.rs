//! What an operator sets for the database takes effect (§13).

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{TESTS, Tables, TestServer};

#[tokio::test]
async fn the_database_gets_the_time_that_it_was_given() {
    let given = Duration::from_millis(2500);
    let site = TestServer::configured(|config| config.database_timeout = given).await;
    let lock = site.ground().lock_orders().await;
    let start = Instant::now();
    site.order(&json!({ "title": "x" })).await.expect_error(503, "SYSTEM_UNAVAILABLE");
    // PostgreSQL's clock and ours need not agree to the millisecond; without the option it would be
    // 1500.
    assert!(start.elapsed() >= given - Duration::from_millis(100), "{:?}", start.elapsed());
    drop(lock);
    site.order(&json!({ "title": "x" })).await.expect(201);
}

#[tokio::test]
async fn no_more_connections_read_than_were_allowed() {
    let site = TestServer::configured(|config| config.database_connections = 2).await;
    let session = site.ground().session(Tables::Connect).await;
    session.batch_execute("BEGIN; LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let database = "SELECT COUNT(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND datname = current_database()";
    let mut most = 0;
    let watch = async {
        loop {
            let waiting: u32 =
                site.ground().value(Tables::Connect, database).await.unwrap().parse().unwrap();
            most = waiting.max(most);
        }
    };
    let calls = join_all((0..8).map(|_| site.get(TESTS).send()));
    tokio::select! {
        answers = calls => answers.iter().for_each(|answer| drop(answer.expect_error(503, "SYSTEM_UNAVAILABLE"))),
        () = watch => {}
    }
    assert_eq!(most, 2);
}
