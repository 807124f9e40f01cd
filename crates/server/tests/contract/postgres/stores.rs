//! The stores on PostgreSQL: their schemas, and notifications between processes.

use std::collections::BTreeMap;

use db::{Channel, Location, PostgresOptions, WriterMetrics};
use store_workspace::WorkspaceStore;
use test_support::{Cluster, Durability};
use tokio::task::JoinHandle;
use tokio_postgres::NoTls;

use crate::support::Store;
use crate::support::schemas::{create_tables, of_postgres, of_sqlite};

fn postgres(url: &str) -> Location {
    Location::Postgres(Box::new(PostgresOptions::new(url.parse().unwrap())))
}

#[tokio::test]
async fn both_schemas_say_the_same() {
    let cluster = Cluster::start(Durability::Fast).unwrap();
    let url = cluster.create_database("schemas").unwrap();
    let folder = tempfile::tempdir().unwrap();
    for location in [Location::from(folder.path().to_owned()), postgres(&url)] {
        create_tables(&location).await;
    }
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    for (store, tables) in [(Store::Workspace, 13), (Store::Challenge, 11)] {
        let mut sqlite = of_sqlite(&folder.path().join(store.file()));
        let mut postgres = of_postgres(&client, store.schema()).await;
        if matches!(store, Store::Workspace) {
            [&mut sqlite, &mut postgres].into_iter().for_each(without_primary_key_of_records);
        }
        assert_eq!(sqlite.len(), tables, "does `admin copy` know the new table?");
        assert_eq!(sqlite, postgres);
    }
}

/// On SQLite these records are appended, and found by an index in memory.
fn without_primary_key_of_records(schema: &mut BTreeMap<String, Vec<String>>) {
    let differs = |line: &str| line.starts_with("primary key ") || line.contains("column id ");
    let records = schema.get_mut("idempotency_records").unwrap();
    assert!(records.iter().any(|line| differs(line)), "{records:?}");
    records.retain(|line| !differs(line));
}

/// A store that exchanges notifications with other processes.
struct ConnectedStore {
    store: WorkspaceStore,
    relay: JoinHandle<()>,
}

impl ConnectedStore {
    async fn open(location: &Location) -> Self {
        let store = WorkspaceStore::open(location, WriterMetrics::default()).await.unwrap();
        let database = store.database().clone();
        let relay = tokio::spawn(async move { database.relay_notifications().await });
        Self { store, relay }
    }

    async fn notified(&self, channel: Channel) {
        self.store.database().notified(channel).await;
    }

    fn notify(&self, channel: Channel) {
        self.store.database().notify(channel);
    }
}

impl Drop for ConnectedStore {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

/// A cluster, and two stores on one database of it.
async fn open_two() -> (Cluster, [ConnectedStore; 2]) {
    let cluster = Cluster::start(Durability::Fast).unwrap();
    let location = postgres(&cluster.create_database("notifications").unwrap());
    let stores = [ConnectedStore::open(&location).await, ConnectedStore::open(&location).await];
    (cluster, stores)
}

#[tokio::test]
async fn a_notification_from_one_process_arrives_in_another() {
    let (_cluster, [receiver, sender]) = open_two().await;
    for channel in [Channel::NewRequest, Channel::NewEvents] {
        // A process is notified when it begins to listen: it may have missed something.
        receiver.notified(channel).await;
        for _ in 0..3 {
            sender.notify(channel);
            receiver.notified(channel).await;
        }
    }
}

#[tokio::test]
async fn a_process_listens_again_after_its_connection_broke() {
    let (cluster, [receiver, sender]) = open_two().await;
    for store in [&receiver, &sender] {
        store.notified(Channel::NewEvents).await;
    }
    let disconnect =
        "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
    assert_eq!(cluster.psql("postgres", disconnect).unwrap().trim(), "2");
    // It is notified because it begins to listen, and then because of the other process.
    receiver.notified(Channel::NewEvents).await;
    sender.notify(Channel::NewEvents);
    receiver.notified(Channel::NewEvents).await;
}
