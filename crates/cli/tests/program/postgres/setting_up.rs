//! `fieldtest migrate` and `fieldtest admin copy` on PostgreSQL (§13).

use std::path::Path;

use client::{ListQuery, WorkspaceApi};
use test_support::{Cluster, Durability};
use wire::production_test::CreateProductionTest;

use crate::program::{fail, run, succeed};
use crate::server::{serve, workspace_api};

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
fn migrate_creates_both_schemas_and_prints_where_they_are() {
    let cluster = cluster();
    let url = cluster.create_database("fresh").unwrap();
    let printed = succeed(&["migrate", "--database-url", &url]);
    let expected = "127.0.0.1/fresh, schema fieldtest_connect is up to date\n\
        127.0.0.1/fresh, schema fieldtest_tpas is up to date\n";
    assert_eq!(printed, expected);
    assert_eq!(succeed(&["migrate", "--database-url", &url]), expected);
}

#[test]
fn tables_of_a_newer_version_are_refused() {
    let cluster = cluster();
    let url = cluster.create_database("newer").unwrap();
    succeed(&["migrate", "--database-url", &url]);
    let sql = "INSERT INTO fieldtest_tpas.refinery_schema_history
            (version, name, applied_on, checksum)
        SELECT 99, 'of_the_future', applied_on, checksum
        FROM fieldtest_tpas.refinery_schema_history LIMIT 1";
    cluster.psql("newer", sql).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"]] {
        let error = fail(
            1,
            &[command, &["--data-dir", text(folder.path()), "--database-url", &url]].concat(),
        );
        assert!(error.contains("schema fieldtest_tpas were made by a newer fieldtest"), "{error}");
    }
}

#[test]
fn the_url_sets_the_security_of_the_connection() {
    let cluster = cluster();
    cluster.create_database("safe").unwrap();
    let (authority, other_cluster) = (cluster.authority(), self::cluster());
    let migrate = |host: &str, options: &str| {
        run(&[
            "migrate",
            "--database-url",
            &format!("{}?{options}", cluster.url_with_password(host, "safe")),
        ])
    };
    let authority = text(&authority).to_owned();
    let other_authority = other_cluster.authority();
    let other_authority = text(&other_authority);
    for (host, options) in [
        ("127.0.0.1", "sslmode=disable".to_owned()),
        ("127.0.0.1", "sslmode=require".to_owned()),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={authority}")),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={authority}")),
        ("localhost", format!("sslmode=verify-full&sslrootcert={authority}")),
    ] {
        let output = migrate(host, &options);
        assert_eq!(output.code, Some(0), "{host} {options}: {}", output.stderr);
    }
    for (options, problem) in [
        (format!("sslmode=verify-full&sslrootcert={other_authority}"), "certificate"),
        (format!("sslmode=verify-ca&sslrootcert={other_authority}"), "certificate"),
        (format!("sslmode=require&sslrootcert={other_authority}"), "certificate"),
        ("sslmode=verify-full".to_owned(), "certificate"),
        ("sslmode=verify-full&sslrootcert=/nonexistent.pem".to_owned(), "/nonexistent.pem"),
    ] {
        let output = migrate("127.0.0.1", &options);
        let error = output.stderr;
        assert_eq!(output.code, Some(1), "{options}: {error}");
        assert!(error.contains(problem) && !error.contains("open-sesame"), "{options}: {error}");
    }
    let log = "SELECT COUNT(*) FROM pg_roles WHERE rolname = 'password_user'";
    assert_eq!(cluster.psql("safe", log).unwrap(), "1\n");
}

#[test]
fn a_wrong_password_or_url_is_not_quoted() {
    let cluster = cluster();
    let url = cluster.url_with_password("127.0.0.1", "postgres").replace("open-sesame", "hunter2");
    let error = fail(1, &["migrate", "--database-url", &url]);
    assert!(
        error.contains("password authentication failed") && !error.contains("hunter2"),
        "{error}"
    );
    for url in [
        "postgres://me:hunter2@host",
        "mysql://me:hunter2@host/x",
        "postgres://me:hunter2@host:hunter2/x",
    ] {
        let error = fail(2, &["migrate", "--database-url", url]);
        assert!(error.contains("database-url") && !error.contains("hunter2"), "{error}");
    }
    let error = fail(2, &["serve", "--secret-key", "hunter2"]);
    assert!(error.contains("64 hexadecimal digits") && !error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_deployment_moves_to_postgresql() {
    let cluster = cluster();
    let url = cluster.create_database("moved").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let server = serve(data, &[]);
    let (first, _) = order(&workspace_api(&server), "first").await;
    let copy = ["admin", "copy", "--from", text(data), "--to", &url];

    succeed(&["migrate", "--database-url", &url]);
    let error = fail(1, &copy);
    assert!(error.contains("another fieldtest server is running"), "{error}");
    server.stop().unwrap();

    let printed = succeed(&copy);
    assert!(printed.contains("challenge_requests") && printed.contains("copied"), "{printed}");
    let repeated = succeed(&copy);
    assert_eq!(repeated, printed.replace("copied", "was there"));

    let server = serve(data, &["--database-url", &url]);
    let api = workspace_api(&server);
    assert_eq!(
        order(&api, "first").await,
        (first, true),
        "API keys and idempotency keys are copied"
    );
    order(&api, "second").await;
    let page = api
        .production_tests(APP, &ListQuery { limit: Some(1), ..ListQuery::default() })
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.total), (1, Some(2)), "the counts are copied");
    drop(server);

    // A database that was used after the copy is not overwritten.
    let error = fail(1, &copy);
    assert!(error.contains("holds something else already"), "{error}");
    let orders =
        cluster.psql("moved", "SELECT COUNT(*) FROM fieldtest_connect.challenge_requests").unwrap();
    assert_eq!(orders, "2\n");
}

#[test]
fn a_failed_copy_is_rolled_back() {
    let cluster = cluster();
    let url = cluster.create_database("half").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    drop(serve(data, &[]));
    succeed(&["migrate", "--database-url", &url]);
    cluster
        .psql("half", "ALTER TABLE fieldtest_connect.api_keys ADD CHECK (name <> 'demo')")
        .unwrap();
    let error = fail(1, &["admin", "copy", "--from", text(data), "--to", &url]);
    assert!(error.contains("schema fieldtest_connect"), "{error}");
    let count = "SELECT COUNT(*) FROM fieldtest_connect.workspaces";
    assert_eq!(cluster.psql("half", count).unwrap(), "0\n");
}

#[test]
fn a_copy_needs_a_source_and_a_target() {
    let folder = tempfile::tempdir().unwrap();
    let error = fail(2, &["admin", "copy", "--from", text(folder.path())]);
    assert!(error.contains("--to"), "{error}");
    let url = "postgres://me@127.0.0.1:1/x";
    let error = fail(1, &["admin", "copy", "--from", text(folder.path()), "--to", url]);
    assert!(error.contains("connect.sqlite3"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no files are created");
}
