//! A cluster that is made, crashed and started again.

use test_cluster::{Cluster, Durability, Stop};

#[test]
fn what_was_committed_is_there_after_a_crash() {
    let mut cluster = Cluster::start(Durability::Real).unwrap();
    cluster.create_database("shop").unwrap();
    cluster.psql("shop", "CREATE TABLE goods (name text); INSERT INTO goods VALUES ('tea'), ('salt')").unwrap();
    cluster.stop(Stop::Immediate).unwrap();
    assert!(cluster.psql("shop", "SELECT 1").is_err());
    cluster.start_again().unwrap();
    assert_eq!(cluster.psql("shop", "SELECT name FROM goods ORDER BY name").unwrap(), "salt\ntea\n");
}
