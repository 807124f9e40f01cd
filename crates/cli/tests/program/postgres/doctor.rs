//! What `fieldtest doctor` sees of a PostgreSQL database (§13).

use std::net::TcpListener;

use test_support::{Cluster, Durability, Stop};

use crate::doctor::Visit;
use crate::invocation::Program;
use crate::process::Process;

fn cluster() -> Cluster {
    Cluster::start(Durability::Fast).unwrap()
}

/// A database with its tables.
fn deployment(cluster: &Cluster, name: &str) -> (Program, String) {
    let url = cluster.create_database(name).unwrap();
    let program = Program::new();
    program.print(&format!("migrate --database-url {url}"));
    (program, url)
}

fn visit(program: &Program, url: &str) -> Visit {
    Visit::pay(program, &format!("--database-url {url}"))
}

/// What the database is asked through a user that may do only this.
fn as_user(cluster: &Cluster, database: &str, name: &str, grants: &str) -> String {
    cluster.psql(database, &format!("CREATE ROLE {name} LOGIN; {grants}")).unwrap();
    cluster.url(database).replace("fieldtest@", &format!("{name}@"))
}

#[test]
fn an_empty_database_is_good_for_a_first_start_and_stays_empty() {
    let cluster = cluster();
    let url = cluster.create_database("fresh").unwrap();
    let program = Program::new();
    let found = visit(&program, &url);
    assert_eq!(found.code, Some(0));
    assert_eq!(found.troubled(), [("connect-tables", "warning"), ("tpas-tables", "warning")]);
    let schemas = "SELECT COUNT(*) FROM pg_namespace WHERE nspname LIKE 'fieldtest%'";
    assert_eq!(cluster.psql("fresh", schemas).unwrap(), "0\n");
    assert_eq!(std::fs::read_dir(program.folder()).unwrap().count(), 0);

    let server = as_user(&cluster, "fresh", "server", "");
    visit(&program, &server).has_failed(
        "tpas-tables",
        "this account may not change that",
        "the account that owns",
    );
}

#[test]
fn beside_servers_everything_is_good() {
    let cluster = cluster();
    let (program, url) = deployment(&cluster, "served");
    let data = program.folder().join("data");
    let _server = Process::serve(&data, &["--database-url", &url]);
    let found = visit(&program, &url);
    assert_eq!((found.code, found.troubled()), (Some(0), vec![]));
    assert!(
        found.finding("clock").contains("as in 127.0.0.1/served"),
        "{}",
        found.finding("clock")
    );
    assert!(found.finding("secrets").contains("secret-key is the deployment's"));

    let elsewhere = Program::new();
    visit(&elsewhere, &url).has_failed("secrets", "secret-key is missing", "give it as an option");
    let production =
        format!("--environment production --public-url https://x.example --database-url {url}");
    Visit::pay(&program, &production).has_failed(
        "environment",
        "a sandbox deployment",
        "--environment sandbox",
    );
}

#[test]
fn a_server_that_cannot_be_reached_or_lets_nobody_in_is_named_without_the_password() {
    let mut cluster = cluster();
    let (program, url) = deployment(&cluster, "guarded");
    let nowhere = url.replace("/guarded?", "/missing?");
    visit(&program, &nowhere).has_failed(
        "connect-database",
        "127.0.0.1/missing",
        "make the database",
    );
    let wrong = cluster.url_with_password("127.0.0.1", "guarded").replace("open-sesame", "hunter2");
    let found = visit(&program, &wrong);
    found.has_failed("connect-database", "password authentication failed", "user and password");
    assert!(!found.finding("connect-database").contains("hunter2"));
    let unsigned =
        format!("{}?sslmode=verify-full", cluster.url_with_password("127.0.0.1", "guarded"));
    visit(&program, &unsigned).has_failed("tpas-database", "certificate", "sslmode");

    cluster.stop(Stop::Fast).unwrap();
    let found = visit(&program, &url);
    found.has_failed("connect-database", "cannot be reached", "see whether it runs");
    found.warns("secrets", "cannot be compared", "fix the database first");
}

#[test]
fn a_server_that_keeps_silent_holds_up_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://me@{}/x --database-timeout 200", silent.local_addr().unwrap());
    visit(&Program::new(), &url).has_failed(
        "connect-database",
        "does not answer in time",
        "--database-timeout",
    );
}

#[test]
fn a_database_that_takes_no_writes_is_told_apart() {
    let cluster = cluster();
    let (program, url) = deployment(&cluster, "standby");
    cluster
        .psql("postgres", "ALTER DATABASE standby SET default_transaction_read_only = on")
        .unwrap();
    let found = visit(&program, &url);
    found.has_failed("connect-database", "is read-only", "target_session_attrs=read-write");
    assert_eq!(found.verdict("connect-tables"), "ok", "it can still be read");
}

#[test]
fn an_account_learns_what_it_may_not_do() {
    let cluster = cluster();
    let (program, _) = deployment(&cluster, "granted");
    let url = as_user(&cluster, "granted", "server", "");
    visit(&program, &url).has_failed("connect-database", "permission denied", "grant this user");
    let grant = "GRANT USAGE ON SCHEMA fieldtest_connect, fieldtest_tpas TO server;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA fieldtest_connect, fieldtest_tpas TO server";
    cluster.psql("granted", grant).unwrap();
    let found = visit(&program, &url);
    assert_eq!(
        (found.code, found.troubled()),
        (Some(0), vec![]),
        "what operations.md says is enough"
    );
    cluster
        .psql("granted", "REVOKE INSERT, DELETE ON fieldtest_connect.api_keys FROM server")
        .unwrap();
    visit(&program, &url).has_failed(
        "connect-database",
        "may not INSERT, DELETE on api_keys",
        "grant this user",
    );

    let undo = "DELETE FROM fieldtest_tpas.refinery_schema_history WHERE version = 2";
    cluster.psql("granted", undo).unwrap();
    visit(&program, &url).has_failed("tpas-tables", "migration 2 is missing", "fieldtest migrate");
    visit(&program, &cluster.url("granted")).warns(
        "tpas-tables",
        "migration 2 is missing",
        "fieldtest migrate",
    );
    let future = "INSERT INTO fieldtest_tpas.refinery_schema_history (version, name, applied_on, checksum)
        SELECT 99, 'of_the_future', applied_on, checksum FROM fieldtest_tpas.refinery_schema_history LIMIT 1";
    cluster.psql("granted", future).unwrap();
    visit(&program, &url).has_failed(
        "tpas-tables",
        "newer fieldtest: migration 99",
        "start that version",
    );
}

#[test]
fn a_clock_that_is_not_the_databases_is_seen() {
    let cluster = cluster();
    let (program, url) = deployment(&cluster, "timely");
    // A function of the same name stands before the real one.
    let ahead = |seconds: i32| {
        let sql = format!(
            "CREATE SCHEMA IF NOT EXISTS elses;
            CREATE OR REPLACE FUNCTION elses.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
            'SELECT pg_catalog.clock_timestamp() + interval ''{seconds} seconds'''"
        );
        cluster.psql("timely", &sql).unwrap();
        visit(&program, &format!("{url}&options=-c%20search_path%3Delses,pg_catalog"))
    };
    assert_eq!(ahead(0).verdict("clock"), "ok");
    ahead(3).warns("clock", "s behind that of 127.0.0.1/timely", "NTP");
    ahead(-7200).has_failed("clock", "min ahead of that of 127.0.0.1/timely", "NTP");
}
