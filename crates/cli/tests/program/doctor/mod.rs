//! `fieldtest doctor`: what it finds, and that it changes nothing (§13).

mod files;
mod report;
mod service;
mod sqlite;

pub(crate) use self::report::DoctorReport;

use std::path::Path;

use crate::program::Program;
use crate::server::{serve, workspace_api};

#[test]
fn before_the_first_start_nothing_fails_and_nothing_is_created() {
    let program = Program::new();
    let report = DoctorReport::run(&program, "");
    assert_eq!(report.code, Some(0));
    assert_eq!(report.not_ok(), [("connect-database", "warning"), ("tpas-database", "warning")]);
    assert!(report.finding("data-directory").contains("the first start makes it"));
    assert!(report.finding("secrets").contains("the first start makes secret-key"));
    assert!(report.finding("environment").contains("which the first start settles"));
    assert_eq!(std::fs::read_dir(program.folder()).unwrap().count(), 0);
}

#[test]
fn text_has_a_line_for_each_check() {
    let program = Program::new();
    let printed = program.succeed("doctor --listen 127.0.0.1:0");
    let report = DoctorReport::run(&program, "");
    let lines: Vec<&str> = printed.lines().collect();
    assert!(!printed.contains('\u{1b}'), "no colour without a terminal: {printed}");
    for (check, verdict) in report.all() {
        let lines = lines.iter().filter(|line| {
            line.starts_with(verdict) && line.split_whitespace().nth(1) == Some(check)
        });
        assert_eq!(lines.count(), 1, "{check}: {printed}");
    }
    let fixes = report.all().iter().filter(|(check, _)| !report.fix(check).is_empty()).count();
    assert_eq!(
        lines.iter().filter(|line| line.trim_start().starts_with("fix: ")).count(),
        fixes,
        "{printed}"
    );
    assert!(lines.last().unwrap().ends_with("warnings, 0 failed"), "{printed}");
}

#[test]
fn every_check_that_is_not_ok_has_a_fix() {
    let program = Program::new();
    let catalogue = program.folder().join("own.toml");
    std::fs::write(&catalogue, "provider = 1").unwrap();
    let report = DoctorReport::run(
        &program,
        "--catalogue own.toml --environment production --tpas-url http://127.0.0.1:9",
    );
    assert_eq!(report.code, Some(1));
    for (check, verdict) in report.all() {
        assert_eq!(report.fix(check).is_empty(), verdict == "ok", "{check}");
    }
}

#[tokio::test]
async fn every_check_is_ok_beside_a_server_that_is_not_disturbed() {
    let program = Program::new();
    let data = program.folder().join("data");
    let server = serve(&data, &[]);
    let address = server.address().to_string();
    let report = DoctorReport::run(&program, &format!("--listen {address}"));
    assert_eq!((report.code, report.not_ok()), (Some(0), vec![]));
    assert!(report.finding("address").contains("a fieldtest server is at"));
    assert!(report.finding("connect-database").contains("another process has it open"));
    assert!(report.finding("tpas-tables").contains("up to date"));
    assert!(report.finding("environment").contains("as the deployment was begun with"));
    assert!(report.finding("secrets").contains("secret-key is the deployment's"));
    let order =
        wire::production_test::CreateProductionTest { title: "x".into(), ..Default::default() };
    workspace_api(&server).create_production_test("FK5b0KSM", &order, None).await.unwrap();
    server.stop().unwrap();
}

#[test]
fn the_files_of_a_stopped_server_are_not_changed() {
    let program = Program::new();
    let data = program.folder().join("data");
    let server = serve(&data, &[]);
    server.stop().unwrap();
    let before = report::contents(&data);
    let report = DoctorReport::run(&program, "");
    assert_eq!((report.code, report.not_ok()), (Some(0), vec![]));
    assert!(!report.finding("connect-database").contains("open"));
    assert_eq!(report::contents(&data), before);
}

#[test]
fn the_log_of_a_killed_server_is_read_and_not_changed() {
    let program = Program::new();
    let data = program.folder().join("data");
    serve(&data, &[]).kill();
    // SQLite may rebuild the index of the log.
    let contents = |path: &Path| {
        let mut contents = report::contents(path);
        contents.retain(|name, _| !name.ends_with("-shm"));
        contents
    };
    let before = contents(&data);
    assert!(before.contains_key("connect.sqlite3-wal"), "{:?}", before.keys());
    let report = DoctorReport::run(&program, "");
    assert_eq!((report.code, report.not_ok()), (Some(0), vec![]));
    assert!(
        report.finding("secrets").contains("secret-key is the deployment's"),
        "the secret is in the log only"
    );
    assert_eq!(contents(&data), before);
}

#[test]
fn conflicting_options_fail_and_invalid_options_are_bad_input() {
    let program = Program::new();
    let report = DoctorReport::run(&program, "--roles api");
    assert_eq!(
        (report.code, report.verdict("configuration"), report.verdict("challenge-service")),
        (Some(1), "failed", "failed")
    );
    std::fs::write(program.folder().join("fieldtest.toml"), "lissten = 'x'").unwrap();
    for (arguments, part) in [
        ("--environment test", "must be sandbox or production"),
        ("--secret-key hunter2", "64 hexadecimal digits"),
        ("--database-url mysql://me:hunter2@host/x", "postgres://"),
        ("--config fieldtest.toml", "line 1"),
    ] {
        let error = program.fail(2, &format!("doctor {arguments}"));
        assert!(error.contains(part) && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn no_secret_is_printed() {
    let program = Program::new()
        .with("FIELDTEST_DATABASE_URL", "postgres://me:hunter2@127.0.0.1:9/x")
        .with("FIELDTEST_TPAS_TOKEN", "hunter2")
        .with("FIELDTEST_VERIFICATION_SECRET", "hunter2")
        .with("FIELDTEST_SECRET_KEY", &"ab".repeat(32));
    for arguments in ["doctor", "doctor --json", "doctor --tpas-url http://127.0.0.1:9"] {
        let run = program.run(&format!("{arguments} --listen 127.0.0.1:0"));
        assert_eq!(run.code, Some(1), "{}", run.stdout);
        let all = run.stdout + &run.stderr;
        assert!(!all.contains("hunter2") && !all.contains("abab"), "{arguments}: {all}");
    }
}
