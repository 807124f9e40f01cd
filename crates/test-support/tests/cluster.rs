//! A cluster is created, crashed and started again.

use std::net::TcpListener;

use test_support::{Cluster, Durability, Stop};

#[test]
fn committed_rows_survive_a_crash() {
    let mut cluster = Cluster::start(Durability::Real).unwrap();
    cluster.create_database("shop").unwrap();
    cluster
        .psql("shop", "CREATE TABLE goods (name text); INSERT INTO goods VALUES ('tea'), ('salt')")
        .unwrap();
    cluster.stop(Stop::Immediate).unwrap();
    assert!(cluster.psql("shop", "SELECT 1").is_err());
    cluster.start_again().unwrap();
    assert_eq!(
        cluster.psql("shop", "SELECT name FROM goods ORDER BY name").unwrap(),
        "salt\ntea\n"
    );
}

#[test]
fn a_failed_start_quotes_the_log_and_can_be_repeated() {
    let mut cluster = Cluster::start(Durability::Fast).unwrap();
    cluster.stop(Stop::Fast).unwrap();
    let taken = TcpListener::bind(cluster.address()).unwrap();
    let error = cluster.start_again().unwrap_err().to_string();
    assert!(error.contains("Address already in use"), "{error}");
    drop(taken);
    cluster.start_again().unwrap();
    assert_eq!(cluster.psql("postgres", "SELECT 1").unwrap(), "1\n");
}
