//! A cluster that is made, crashed and started again.

use std::net::TcpListener;

use test_support::{Cluster, Durability, Stop};

#[test]
fn what_was_committed_is_there_after_a_crash() {
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
fn a_server_that_cannot_start_says_why_and_starts_once_it_can() {
    let mut cluster = Cluster::start(Durability::Fast).unwrap();
    cluster.stop(Stop::Fast).unwrap();
    let taken = TcpListener::bind(cluster.address()).unwrap();
    let error = cluster.start_again().unwrap_err().to_string();
    assert!(error.contains("Address already in use"), "{error}");
    drop(taken);
    cluster.start_again().unwrap();
    assert_eq!(cluster.psql("postgres", "SELECT 1").unwrap(), "1\n");
}
