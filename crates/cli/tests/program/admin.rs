//! `fieldtest admin` (§13).

use std::time::{Duration, Instant};

use client::{ClientError, WorkspaceApi};
use serde_json::Value;
use wire::production_test::CreateProductionTest;

use crate::program::{Program, fail, succeed};
use crate::server::{serve, workspace_api};

/// Runs an admin command on this data directory, and returns the first object of its output.
#[track_caller]
fn admin(folder: &str, arguments: &[&str]) -> Value {
    let mut all = vec!["admin"];
    all.extend_from_slice(arguments);
    all.extend_from_slice(&["--json", "--data-dir", folder]);
    let answer: Value = serde_json::from_str(&succeed(&all)).unwrap();
    answer[0].clone()
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member} in {value}"))
}

#[tokio::test]
async fn workspaces_apps_and_keys_are_usable_at_once_on_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let server = serve(folder.path(), &["--no-demo"]);
    let workspace = admin(path, &["workspace", "create", "--name", "Acme"]);
    let id = text(&workspace, "id");
    let app = admin(
        path,
        &["app", "create", "--workspace", id, "--name", "Acme Bank", "--client-id", "AcmeBank"],
    );
    assert_eq!((text(&app, "clientId"), text(&app, "clientSecret").len()), ("AcmeBank", 64));
    let key = admin(path, &["key", "create", "--workspace", id, "--name", "ci"]);
    let api = WorkspaceApi::new(&server.url(), text(&key, "secret")).unwrap();

    let order = CreateProductionTest { title: "x".into(), ..CreateProductionTest::default() };
    let refused = api.create_production_test("AcmeBank", &order, None).await.unwrap_err();
    assert!(
        matches!(refused, ClientError::ErrorResponse { status: 400, .. }),
        "only the passport is enabled: {refused}"
    );
    admin(path, &["provider", "enable", "--app", "AcmeBank", "--provider", "mitid"]);
    let created = api.create_production_test("AcmeBank", &order, None).await.unwrap();
    assert_eq!(created.request.payload.provider_ids, ["mitid"]);
    admin(path, &["provider", "disable", "--app", "AcmeBank", "--provider", "mitid"]);
    api.create_production_test("AcmeBank", &order, None).await.unwrap_err();

    admin(path, &["key", "revoke", text(&key, "id")]);
    // Servers cache keys for at most five seconds (§2).
    let revoked = Instant::now();
    loop {
        let refused = api.create_production_test("AcmeBank", &order, None).await.unwrap_err();
        match refused {
            ClientError::ErrorResponse { status: 401, .. } => break,
            refused => assert!(revoked.elapsed() < Duration::from_secs(5), "{refused}"),
        }
    }
}

#[test]
fn lists_show_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let workspace = admin(path, &["workspace", "create", "--name", "Acme"]);
    let id = text(&workspace, "id");
    let key = admin(
        path,
        &[
            "key",
            "create",
            "--workspace",
            id,
            "--name",
            "reader",
            "--read-only",
            "--expires",
            "90d",
        ],
    );
    let table = succeed(&["admin", "key", "list", "--workspace", id, "--data-dir", path]);
    assert!(
        table.starts_with("KEY ") && table.contains("read_only") && table.contains("valid"),
        "{table}"
    );
    assert!(!table.contains(text(&key, "secret")), "{table}");
    let workspaces = succeed(&["admin", "workspace", "list", "--data-dir", path]);
    assert!(workspaces.contains(id) && workspaces.contains("Acme"), "{workspaces}");
}

#[test]
fn errors_say_why_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let workspace = admin(path, &["workspace", "create", "--name", "Acme"]);
    let id = text(&workspace, "id");
    admin(
        path,
        &["app", "create", "--workspace", id, "--name", "Acme Bank", "--client-id", "AcmeBank"],
    );
    for (code, expected, arguments) in [
        (2, "must not be blank", &["workspace", "create", "--name", " "][..]),
        (
            1,
            "there is no workspace org_missing",
            &["key", "create", "--workspace", "org_missing", "--name", "x"],
        ),
        (
            2,
            "in the future",
            &["key", "create", "--workspace", id, "--name", "x", "--expires", "2020-01-01"],
        ),
        (
            2,
            "write a day",
            &["key", "create", "--workspace", id, "--name", "x", "--expires", "soon"],
        ),
        (2, "not a valid id", &["key", "revoke", "nonsense"]),
        (1, "there is no such key", &["key", "revoke", "key_00000000-0000-7000-8000-000000000000"]),
        (
            1,
            "AcmeBank is taken",
            &["app", "create", "--workspace", id, "--name", "x", "--client-id", "AcmeBank"],
        ),
        (
            2,
            "not a valid id",
            &["app", "create", "--workspace", id, "--name", "x", "--client-id", "short"],
        ),
        (
            2,
            "the most similar: bankidse",
            &["provider", "enable", "--app", "AcmeBank", "--provider", "bankid"],
        ),
        (
            1,
            "there is no app Missing0",
            &["provider", "enable", "--app", "Missing0", "--provider", "mitid"],
        ),
    ] {
        let mut all = vec!["admin"];
        all.extend_from_slice(arguments);
        all.extend_from_slice(&["--data-dir", path]);
        let error = fail(code, &all);
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}

#[test]
fn migrating_is_idempotent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new");
    for _ in 0..2 {
        let printed = succeed(&["migrate", "--data-dir", path.to_str().unwrap()]);
        assert_eq!(printed.lines().count(), 2, "{printed}");
    }
    assert!(path.join("connect.sqlite3").exists() && path.join("tpas.sqlite3").exists());
}

#[tokio::test]
async fn the_production_tests_of_a_deleted_app_stay_readable() {
    let program = Program::new();
    let data = program.folder().join("data");
    let server = serve(&data, &[]);
    let api = workspace_api(&server);
    let order = CreateProductionTest { title: "BankID".into(), ..CreateProductionTest::default() };
    let request = api.create_production_test("FK5b0KSM", &order, None).await.unwrap().request;
    let challenge = loop {
        if let Some(id) =
            api.production_test("FK5b0KSM", &request.id).await.unwrap().request.challenge_id
        {
            break id;
        }
    };
    api.delete_app("FK5b0KSM").await.unwrap();
    api.report("FK5b0KSM", &challenge).await.unwrap_err();

    let app = &program.admin("app list")[0];
    assert_eq!(text(app, "clientId"), "FK5b0KSM");
    text(app, "deletedAt");
    assert!(app["enabledProviders"].as_array().unwrap().contains(&"bankidse".into()), "{app}");
    let listed = &program.admin("production-test list --app FK5b0KSM")[0];
    assert_eq!(text(&listed["challenge"], "id"), challenge);
    let report = &program.admin(&format!("production-test report {challenge}"))[0];
    assert_eq!(report["stats"]["totalClaims"], 0);
    assert_eq!(report["stats"]["providerBreakdown"].as_array().unwrap().len(), 4);
    assert_eq!(report["stats"]["providerBreakdown"][0]["providerName"], "BankID SE");
    assert!(
        program.succeed(&format!("admin production-test report {challenge}")).contains("bankidse")
    );
}

#[test]
fn errors_for_missing_objects_name_the_list_command() {
    let program = Program::new();
    assert_eq!(program.admin("app list"), Vec::<Value>::new());
    let missing = program.fail(1, "admin production-test list --app AAAAAAAA");
    assert!(missing.contains("admin app list"), "{missing}");
    let missing =
        program.fail(1, "admin production-test report ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a");
    assert!(missing.contains("admin production-test list"), "{missing}");
    program.fail(2, "admin production-test report req_1");
}
