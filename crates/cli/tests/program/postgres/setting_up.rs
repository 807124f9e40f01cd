//! From nothing, or from one machine, to PostgreSQL (§13).

use std::path::Path;

use client::{ListQuery, WorkspaceApi};
use test_support::{Cluster, Durability};
use wire::production_test::CreateProductionTest;

use crate::process::{Process, fail, run, succeed};

const APP: &str = "FK5b0KSM";

fn cluster() -> Cluster {
    Cluster::start(Durability::Fast).unwrap()
}

async fn order(api: &WorkspaceApi, key: &str) -> (String, bool) {
    let order = CreateProductionTest { title: key.to_owned(), ..CreateProductionTest::default() };
    let created = api.create_production_test(APP, &order, Some(key)).await.unwrap();
    (created.request.id, created.is_replay)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn migrate_makes_both_schemas_and_says_where_they_are() {
    let cluster = cluster();
    let url = cluster.create_database("fresh").unwrap();
    let printed = succeed(&["migrate", "--database-url", &url]);
    let expected = "127.0.0.1/fresh, schema fieldtest_connect is up to date\n\
        127.0.0.1/fresh, schema fieldtest_tpas is up to date\n";
    assert_eq!(printed, expected);
    assert_eq!(succeed(&["migrate", "--database-url", &url]), expected);
}

#[test]
fn tables_of_a_newer_version_are_left_alone() {
    let cluster = cluster();
    let url = cluster.create_database("newer").unwrap();
    succeed(&["migrate", "--database-url", &url]);
    let sql = "INSERT INTO fieldtest_tpas.refinery_schema_history (version, name, applied_on, checksum)
        SELECT 99, 'of_the_future', applied_on, checksum FROM fieldtest_tpas.refinery_schema_history LIMIT 1";
    cluster.psql("newer", sql).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"]] {
        let complaint = fail(
            1,
            &[command, &["--data-dir", text(folder.path()), "--database-url", &url]].concat(),
        );
        assert!(
            complaint.contains("schema fieldtest_tpas were made by a newer fieldtest"),
            "{complaint}"
        );
    }
}

#[test]
fn the_connection_is_as_safe_as_the_url_says() {
    let cluster = cluster();
    cluster.create_database("safe").unwrap();
    let (ours, elses) = (cluster.authority(), self::cluster());
    let migrate = |host: &str, options: &str| {
        run(&[
            "migrate",
            "--database-url",
            &format!("{}?{options}", cluster.url_with_password(host, "safe")),
        ])
    };
    let ours = text(&ours).to_owned();
    let authority_of_others = elses.authority();
    let others = text(&authority_of_others);
    for (host, options) in [
        ("127.0.0.1", "sslmode=disable".to_owned()),
        ("127.0.0.1", "sslmode=require".to_owned()),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={ours}")),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={ours}")),
        ("localhost", format!("sslmode=verify-full&sslrootcert={ours}")),
    ] {
        let output = migrate(host, &options);
        assert!(
            output.status.success(),
            "{host} {options}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    for (options, problem) in [
        (format!("sslmode=verify-full&sslrootcert={others}"), "certificate"),
        (format!("sslmode=verify-ca&sslrootcert={others}"), "certificate"),
        (format!("sslmode=require&sslrootcert={others}"), "certificate"),
        ("sslmode=verify-full".to_owned(), "certificate"),
        ("sslmode=verify-full&sslrootcert=/nonexistent.pem".to_owned(), "/nonexistent.pem"),
    ] {
        let output = migrate("127.0.0.1", &options);
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{options}: {complaint}");
        assert!(
            complaint.contains(problem) && !complaint.contains("open-sesame"),
            "{options}: {complaint}"
        );
    }
    let log = "SELECT COUNT(*) FROM pg_roles WHERE rolname = 'password_user'";
    assert_eq!(cluster.psql("safe", log).unwrap(), "1\n");
}

#[test]
fn a_wrong_password_or_url_is_named_and_not_repeated() {
    let cluster = cluster();
    let url = cluster.url_with_password("127.0.0.1", "postgres").replace("open-sesame", "hunter2");
    let complaint = fail(1, &["migrate", "--database-url", &url]);
    assert!(
        complaint.contains("password authentication failed") && !complaint.contains("hunter2"),
        "{complaint}"
    );
    for url in [
        "postgres://me:hunter2@host",
        "mysql://me:hunter2@host/x",
        "postgres://me:hunter2@host:hunter2/x",
    ] {
        let complaint = fail(2, &["migrate", "--database-url", url]);
        assert!(
            complaint.contains("database-url") && !complaint.contains("hunter2"),
            "{complaint}"
        );
    }
    let complaint = fail(2, &["serve", "--secret-key", "hunter2"]);
    assert!(
        complaint.contains("64 hexadecimal digits") && !complaint.contains("hunter2"),
        "{complaint}"
    );
}

#[tokio::test]
async fn a_deployment_moves_to_postgresql_with_two_commands_and_goes_on_as_before() {
    let cluster = cluster();
    let url = cluster.create_database("moved").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let server = Process::serve(data, &[]);
    let (first, _) = order(&server.api(data), "first").await;
    let copy = ["admin", "copy", "--from", text(data), "--to", &url];

    succeed(&["migrate", "--database-url", &url]);
    let complaint = fail(1, &copy);
    assert!(complaint.contains("another fieldtest server is running"), "{complaint}");
    server.signal("TERM");
    assert_eq!(server.end().0, Some(0));

    let printed = succeed(&copy);
    assert!(printed.contains("challenge_requests") && printed.contains("copied"), "{printed}");
    let repeated = succeed(&copy);
    assert_eq!(repeated, printed.replace("copied", "was there"));

    let server = Process::serve(data, &["--database-url", &url]);
    let api = server.api(data);
    assert_eq!(order(&api, "first").await, (first, true), "keys and idempotency keys are there");
    order(&api, "second").await;
    let page = api
        .production_tests(APP, &ListQuery { limit: Some(1), ..ListQuery::default() })
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.total), (1, Some(2)), "what is counted was copied as well");
    drop(server);

    // What has been used since is not overwritten.
    let complaint = fail(1, &copy);
    assert!(complaint.contains("holds something else already"), "{complaint}");
    let orders =
        cluster.psql("moved", "SELECT COUNT(*) FROM fieldtest_connect.challenge_requests").unwrap();
    assert_eq!(orders, "2\n");
}

#[test]
fn a_copy_that_fails_leaves_nothing_behind() {
    let cluster = cluster();
    let url = cluster.create_database("half").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    drop(Process::serve(data, &[]));
    succeed(&["migrate", "--database-url", &url]);
    cluster
        .psql("half", "ALTER TABLE fieldtest_connect.api_keys ADD CHECK (name <> 'demo')")
        .unwrap();
    let complaint = fail(1, &["admin", "copy", "--from", text(data), "--to", &url]);
    assert!(complaint.contains("schema fieldtest_connect"), "{complaint}");
    let count = "SELECT COUNT(*) FROM fieldtest_connect.workspaces";
    assert_eq!(cluster.psql("half", count).unwrap(), "0\n");
}

#[test]
fn a_copy_needs_two_ends() {
    let folder = tempfile::tempdir().unwrap();
    let complaint = fail(2, &["admin", "copy", "--from", text(folder.path())]);
    assert!(complaint.contains("--to"), "{complaint}");
    let url = "postgres://nobody@127.0.0.1:1/x";
    let complaint = fail(1, &["admin", "copy", "--from", text(folder.path()), "--to", url]);
    assert!(complaint.contains("connect.sqlite3"), "{complaint}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}
