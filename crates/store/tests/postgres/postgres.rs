//! PostgreSQL beside SQLite, and what only PostgreSQL has.

use store::connect::ConnectStore;
use store::tpas::TpasStore;
use store::{Call, Location, PostgresOptions, WriterMetrics};
use test_cluster::{Cluster, Durability};
use tokio_postgres::NoTls;

use crate::schemas::{of_postgres, of_sqlite};

fn postgres(url: &str) -> Location {
    Location::Postgres(Box::new(PostgresOptions::new(url.parse().unwrap())))
}

#[tokio::test]
async fn both_schemas_say_the_same() {
    let cluster = Cluster::start(Durability::Fast).unwrap();
    let url = cluster.create_database("schemas").unwrap();
    let folder = tempfile::tempdir().unwrap();
    for location in [Location::from(folder.path().to_owned()), postgres(&url)] {
        ConnectStore::open(&location, WriterMetrics::default()).await.unwrap().database().close().await;
        TpasStore::open(&location, WriterMetrics::default()).await.unwrap().database().close().await;
    }
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    for (file, schema, tables) in [("connect.sqlite3", "fieldtest_connect", 10), ("tpas.sqlite3", "fieldtest_tpas", 5)]
    {
        let (sqlite, mut postgres) = (of_sqlite(&folder.path().join(file)), of_postgres(&client, schema).await);
        // On SQLite these records are appended, and found by what their one owner remembers.
        if let Some(records) = postgres.get_mut("idempotency_records").filter(|_| file == "connect.sqlite3") {
            let is_shared = |line: &String| !line.starts_with("index ") && !line.starts_with("primary key ");
            records.retain(is_shared);
            records.push("primary key ".into());
            records.sort();
        }
        assert_eq!(sqlite.len(), tables, "a table more or less: does `admin copy` know of it?");
        assert_eq!(sqlite, postgres);
    }
}

#[tokio::test]
async fn every_key_leads_with_its_tenant_or_its_challenge() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::from(folder.path().to_owned());
    ConnectStore::open(&location, WriterMetrics::default()).await.unwrap().database().close().await;
    TpasStore::open(&location, WriterMetrics::default()).await.unwrap().database().close().await;
    for (file, owners, leading) in [
        ("connect.sqlite3", "workspaces", "primary key workspace_id,"),
        ("tpas.sqlite3", "challenges", "primary key challenge_id,"),
    ] {
        for (table, lines) in of_sqlite(&folder.path().join(file)) {
            let is_owner_or_about_all = table == owners || table == "deployment_facts";
            let has_no_key = lines.contains(&"primary key ".to_owned()) && table == "idempotency_records";
            assert!(
                is_owner_or_about_all || has_no_key || lines.iter().any(|line| line.starts_with(leading)),
                "{table}: {lines:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_call_from_one_process_is_heard_in_another() {
    let cluster = Cluster::start(Durability::Fast).unwrap();
    let location = postgres(&cluster.create_database("calls").unwrap());
    let hearing = ConnectStore::open(&location, WriterMetrics::default()).await.unwrap();
    let calling = ConnectStore::open(&location, WriterMetrics::default()).await.unwrap();
    let woken = hearing.woken();
    for call in [Call::NewRequest, Call::NewEvents] {
        // Whoever begins to listen looks once for what was missed.
        woken.heard(call).await;
        for _ in 0..3 {
            calling.call(call).await.unwrap();
            woken.heard(call).await;
        }
    }
}

#[tokio::test]
async fn listening_goes_on_after_the_connection_broke() {
    let cluster = Cluster::start(Durability::Fast).unwrap();
    let location = postgres(&cluster.create_database("calls").unwrap());
    let store = ConnectStore::open(&location, WriterMetrics::default()).await.unwrap();
    let woken = store.woken();
    woken.heard(Call::NewEvents).await;
    let cut = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
    assert_eq!(cluster.psql("postgres", cut).unwrap().trim(), "1");
    // It listens again, and looks for what was missed.
    woken.heard(Call::NewEvents).await;
    store.call(Call::NewEvents).await.unwrap();
    woken.heard(Call::NewEvents).await;
}
