//! Checks of PostgreSQL databases by `fieldtest doctor` (§13).

use std::net::TcpListener;

use test_support::{Cluster, Durability, Stop};

use crate::doctor::DoctorReport;
use crate::program::Program;
use crate::server::serve;

fn cluster() -> Cluster {
    Cluster::start(Durability::Fast).unwrap()
}

/// A database with its tables.
fn deployment(cluster: &Cluster, name: &str) -> (Program, String) {
    let url = cluster.create_database(name).unwrap();
    let program = Program::new();
    program.succeed(&format!("migrate --database-url {url}"));
    (program, url)
}

fn doctor(program: &Program, url: &str) -> DoctorReport {
    DoctorReport::run(program, &format!("--database-url {url}"))
}

/// The URL for a user with these rights.
fn as_user(cluster: &Cluster, database: &str, name: &str, grants: &str) -> String {
    cluster.psql(database, &format!("CREATE ROLE {name} LOGIN; {grants}")).unwrap();
    cluster.url(database).replace("fieldtest@", &format!("{name}@"))
}

#[test]
fn an_empty_database_is_a_warning_and_stays_empty() {
    let cluster = cluster();
    let url = cluster.create_database("fresh").unwrap();
    let program = Program::new();
    let found = doctor(&program, &url);
    assert_eq!(found.code, Some(0));
    assert_eq!(found.not_ok(), [("connect-tables", "warning"), ("tpas-tables", "warning")]);
    let schemas = "SELECT COUNT(*) FROM pg_namespace WHERE nspname LIKE 'fieldtest%'";
    assert_eq!(cluster.psql("fresh", schemas).unwrap(), "0\n");
    assert_eq!(std::fs::read_dir(program.folder()).unwrap().count(), 0);

    let server = as_user(&cluster, "fresh", "server", "");
    doctor(&program, &server).has_failed(
        "tpas-tables",
        "this account may not change that",
        "the account that owns",
    );
}

#[test]
fn every_check_is_ok_beside_a_server() {
    let cluster = cluster();
    let (program, url) = deployment(&cluster, "served");
    let data = program.folder().join("data");
    let _server = serve(&data, &["--database-url", &url]);
    let found = doctor(&program, &url);
    assert_eq!((found.code, found.not_ok()), (Some(0), vec![]));
    assert!(
        found.finding("clock").contains("as in 127.0.0.1/served"),
        "{}",
        found.finding("clock")
    );
    assert!(found.finding("secrets").contains("secret-key is the deployment's"));

    let elsewhere = Program::new();
    doctor(&elsewhere, &url).has_failed("secrets", "secret-key is missing", "give it as an option");
    let production =
        format!("--environment production --public-url https://x.example --database-url {url}");
    DoctorReport::run(&program, &production).has_failed(
        "environment",
        "a sandbox deployment",
        "--environment sandbox",
    );
}

#[test]
fn a_refused_connection_fails_and_the_password_is_not_printed() {
    let mut cluster = cluster();
    let (program, url) = deployment(&cluster, "guarded");
    let nowhere = url.replace("/guarded?", "/missing?");
    doctor(&program, &nowhere).has_failed(
        "connect-database",
        "127.0.0.1/missing",
        "make the database",
    );
    let wrong = cluster.url_with_password("127.0.0.1", "guarded").replace("open-sesame", "hunter2");
    let found = doctor(&program, &wrong);
    found.has_failed("connect-database", "password authentication failed", "user and password");
    assert!(!found.finding("connect-database").contains("hunter2"));
    let unsigned =
        format!("{}?sslmode=verify-full", cluster.url_with_password("127.0.0.1", "guarded"));
    doctor(&program, &unsigned).has_failed("tpas-database", "certificate", "sslmode");

    cluster.stop(Stop::Fast).unwrap();
    let found = doctor(&program, &url);
    found.has_failed("connect-database", "cannot be reached", "sslmode");
    found.warns("secrets", "cannot be compared", "the database first");
}

#[test]
fn a_silent_server_does_not_block() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://me@{}/x --database-timeout 200", silent.local_addr().unwrap());
    doctor(&Program::new(), &url).has_failed(
        "connect-database",
        "does not answer in time",
        "--database-timeout",
    );
}

#[test]
fn a_read_only_database_fails() {
    let cluster = cluster();
    let (program, url) = deployment(&cluster, "standby");
    cluster
        .psql("postgres", "ALTER DATABASE standby SET default_transaction_read_only = on")
        .unwrap();
    let found = doctor(&program, &url);
    found.has_failed("connect-database", "is read-only", "target_session_attrs=read-write");
    assert_eq!(found.verdict("connect-tables"), "ok", "it can still be read");
}

#[test]
fn a_missing_right_fails() {
    let cluster = cluster();
    let (program, _) = deployment(&cluster, "granted");
    let url = as_user(&cluster, "granted", "server", "");
    doctor(&program, &url).has_failed("connect-database", "permission denied", "grant this user");
    let grant = "GRANT USAGE ON SCHEMA fieldtest_connect, fieldtest_tpas TO server;
        GRANT SELECT, INSERT, UPDATE, DELETE
        ON ALL TABLES IN SCHEMA fieldtest_connect, fieldtest_tpas TO server";
    cluster.psql("granted", grant).unwrap();
    let found = doctor(&program, &url);
    assert_eq!(
        (found.code, found.not_ok()),
        (Some(0), vec![]),
        "the rights in docs/operations.md are enough"
    );
    cluster
        .psql("granted", "REVOKE INSERT, DELETE ON fieldtest_connect.api_keys FROM server")
        .unwrap();
    doctor(&program, &url).has_failed(
        "connect-database",
        "may not INSERT, DELETE on api_keys",
        "grant this user",
    );

    let undo = "DELETE FROM fieldtest_tpas.refinery_schema_history WHERE version = 2";
    cluster.psql("granted", undo).unwrap();
    doctor(&program, &url).has_failed("tpas-tables", "migration 2 is missing", "fieldtest migrate");
    doctor(&program, &cluster.url("granted")).warns(
        "tpas-tables",
        "migration 2 is missing",
        "fieldtest migrate",
    );
    let future = "INSERT INTO fieldtest_tpas.refinery_schema_history
            (version, name, applied_on, checksum)
        SELECT 99, 'of_the_future', applied_on, checksum
        FROM fieldtest_tpas.refinery_schema_history LIMIT 1";
    cluster.psql("granted", future).unwrap();
    doctor(&program, &url).has_failed(
        "tpas-tables",
        "newer fieldtest: migration 99",
        "start that version",
    );
}

#[test]
fn a_clock_that_differs_from_the_databases_fails() {
    let cluster = cluster();
    let (program, url) = deployment(&cluster, "timely");
    // A function that shadows the one of PostgreSQL.
    let ahead = |seconds: i32| {
        let sql = format!(
            "CREATE SCHEMA IF NOT EXISTS shadow;
            CREATE OR REPLACE FUNCTION shadow.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
            'SELECT pg_catalog.clock_timestamp() + interval ''{seconds} seconds'''"
        );
        cluster.psql("timely", &sql).unwrap();
        doctor(&program, &format!("{url}&options=-c%20search_path%3Dshadow,pg_catalog"))
    };
    assert_eq!(ahead(0).verdict("clock"), "ok");
    ahead(3).warns("clock", "s behind that of 127.0.0.1/timely", "NTP");
    ahead(-7200).has_failed("clock", "min ahead of that of 127.0.0.1/timely", "NTP");
}
