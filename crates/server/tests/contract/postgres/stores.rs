//! The stores on PostgreSQL beside SQLite: their schemas, and notifications between processes.

use db::{Channel, Location, PostgresOptions, WriterMetrics};
use store_challenge::ChallengeStore;
use store_workspace::WorkspaceStore;
use test_support::{Cluster, Durability};
use tokio_postgres::NoTls;

use crate::support::schemas::{of_postgres, of_sqlite};

fn postgres(url: &str) -> Location {
    Location::Postgres(Box::new(PostgresOptions::new(url.parse().unwrap())))
}

#[tokio::test]
async fn both_schemas_say_the_same() {
    let cluster = Cluster::start(Durability::Fast).unwrap();
    let url = cluster.create_database("schemas").unwrap();
    let folder = tempfile::tempdir().unwrap();
    for location in [Location::from(folder.path().to_owned()), postgres(&url)] {
        WorkspaceStore::open(&location, WriterMetrics::default())
            .await
            .unwrap()
            .database()
            .close()
            .await;
        ChallengeStore::open(&location, WriterMetrics::default())
            .await
            .unwrap()
            .database()
            .close()
            .await;
    }
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    for (file, schema, tables) in
        [("connect.sqlite3", "fieldtest_connect", 10), ("tpas.sqlite3", "fieldtest_tpas", 5)]
    {
        let (mut sqlite, mut postgres) =
            (of_sqlite(&folder.path().join(file)), of_postgres(&client, schema).await);
        // On SQLite these records are appended, and found by an index in memory.
        if file == "connect.sqlite3" {
            for records in [&mut sqlite, &mut postgres]
                .map(|tables| tables.get_mut("idempotency_records").unwrap())
            {
                records.retain(|line| {
                    !line.starts_with("primary key ") && !line.contains("column id ")
                });
            }
        }
        assert_eq!(sqlite.len(), tables, "a table more or less: does `admin copy` know of it?");
        assert_eq!(sqlite, postgres);
    }
}

/// Exchanges notifications with other processes until it is dropped.
struct Relay(tokio::task::JoinHandle<()>);

impl Relay {
    fn of(store: &WorkspaceStore) -> Self {
        let database = store.database().clone();
        Self(tokio::spawn(async move { database.relay_notifications().await }))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test]
async fn a_notification_from_one_process_arrives_in_another() {
    let cluster = Cluster::start(Durability::Fast).unwrap();
    let location = postgres(&cluster.create_database("notifications").unwrap());
    let open = async || WorkspaceStore::open(&location, WriterMetrics::default()).await.unwrap();
    let (receiving, sending) = (open().await, open().await);
    let _relays = (Relay::of(&receiving), Relay::of(&sending));
    for channel in [Channel::NewRequest, Channel::NewEvents] {
        // A process that begins to listen looks once for what it has missed.
        receiving.database().notified(channel).await;
        for _ in 0..3 {
            sending.database().notify(channel);
            receiving.database().notified(channel).await;
        }
    }
}

#[tokio::test]
async fn listening_goes_on_after_the_connection_broke() {
    let cluster = Cluster::start(Durability::Fast).unwrap();
    let location = postgres(&cluster.create_database("notifications").unwrap());
    let open = async || WorkspaceStore::open(&location, WriterMetrics::default()).await.unwrap();
    let (receiving, sending) = (open().await, open().await);
    let _relays = (Relay::of(&receiving), Relay::of(&sending));
    for store in [&receiving, &sending] {
        store.database().notified(Channel::NewEvents).await;
    }
    let cut =
        "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
    assert_eq!(cluster.psql("postgres", cut).unwrap().trim(), "2");
    // It listens again, and looks for what it has missed.
    receiving.database().notified(Channel::NewEvents).await;
    sending.database().notify(Channel::NewEvents);
    receiving.database().notified(Channel::NewEvents).await;
}
