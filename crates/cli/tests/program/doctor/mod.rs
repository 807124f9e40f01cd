//! What `fieldtest doctor` sees, what it says to do, and that it does nothing itself (§13).

mod files;
mod service;
mod sqlite;
mod visit;

pub(crate) use self::visit::Visit;

use std::path::Path;

use crate::invocation::Program;
use crate::process::Process;

#[test]
fn before_the_first_start_nothing_is_wrong_and_nothing_is_made() {
    let program = Program::new();
    let visit = Visit::pay(&program, "");
    assert_eq!(visit.code, Some(0));
    assert_eq!(visit.troubled(), [("connect-database", "warning"), ("tpas-database", "warning")]);
    assert!(visit.finding("data-directory").contains("the first start makes it"));
    assert!(visit.finding("secrets").contains("the first start makes secret-key"));
    assert!(visit.finding("environment").contains("which the first start settles"));
    assert_eq!(std::fs::read_dir(program.folder()).unwrap().count(), 0);
}

#[test]
fn people_get_a_line_for_each_check_and_programs_get_json() {
    let program = Program::new();
    let printed = program.print("doctor --listen 127.0.0.1:0");
    let visit = Visit::pay(&program, "");
    let lines: Vec<&str> = printed.lines().collect();
    assert!(!printed.contains('\u{1b}'), "no colour without a terminal: {printed}");
    for (check, verdict) in visit.all() {
        let lines = lines.iter().filter(|line| {
            line.starts_with(verdict) && line.split_whitespace().nth(1) == Some(check)
        });
        assert_eq!(lines.count(), 1, "{check}: {printed}");
    }
    let mended = visit.all().iter().filter(|(check, _)| !visit.mend(check).is_empty()).count();
    assert_eq!(
        lines.iter().filter(|line| line.trim_start().starts_with("mend: ")).count(),
        mended,
        "{printed}"
    );
    assert!(lines.last().unwrap().ends_with("warnings, 0 failed"), "{printed}");
}

#[test]
fn what_is_good_needs_no_mending_and_everything_else_says_how() {
    let program = Program::new();
    let catalogue = program.folder().join("own.toml");
    std::fs::write(&catalogue, "provider = 1").unwrap();
    let visit = Visit::pay(
        &program,
        "--catalogue own.toml --environment production --tpas-url http://127.0.0.1:9",
    );
    assert_eq!(visit.code, Some(1));
    for (check, verdict) in visit.all() {
        assert_eq!(visit.mend(check).is_empty(), verdict == "ok", "{check}");
    }
}

#[tokio::test]
async fn beside_a_server_everything_is_good_and_the_server_does_not_notice() {
    let program = Program::new();
    let data = program.folder().join("data");
    let server = Process::serve(&data, &[]);
    let address = server.url.trim_start_matches("http://").to_owned();
    let visit = Visit::pay(&program, &format!("--listen {address}"));
    assert_eq!((visit.code, visit.troubled()), (Some(0), vec![]));
    assert!(visit.finding("address").contains("a fieldtest server is at"));
    assert!(visit.finding("connect-database").contains("another process has it open"));
    assert!(visit.finding("tpas-tables").contains("up to date"));
    assert!(visit.finding("environment").contains("as the deployment was begun with"));
    assert!(visit.finding("secrets").contains("secret-key is the deployment's"));
    let order =
        wire::production_test::CreateProductionTest { title: "x".into(), ..Default::default() };
    server.api(&data).create_production_test("FK5b0KSM", &order, None).await.unwrap();
    server.signal("TERM");
    assert_eq!(server.end().0, Some(0));
}

#[test]
fn a_stopped_servers_folder_stays_as_it_was_to_the_last_byte() {
    let program = Program::new();
    let data = program.folder().join("data");
    let server = Process::serve(&data, &[]);
    server.signal("TERM");
    server.end();
    let before = visit::contents(&data);
    let visit = Visit::pay(&program, "");
    assert_eq!((visit.code, visit.troubled()), (Some(0), vec![]));
    assert!(!visit.finding("connect-database").contains("open"));
    assert_eq!(visit::contents(&data), before);
}

#[test]
fn what_a_killed_server_has_left_is_read_and_left_to_the_next_one() {
    let program = Program::new();
    let data = program.folder().join("data");
    Process::serve(&data, &[]).kill();
    // SQLite may make the index of the log anew.
    let contents = |path: &Path| {
        let mut contents = visit::contents(path);
        contents.retain(|name, _| !name.ends_with("-shm"));
        contents
    };
    let before = contents(&data);
    assert!(before.contains_key("connect.sqlite3-wal"), "{:?}", before.keys());
    let visit = Visit::pay(&program, "");
    assert_eq!((visit.code, visit.troubled()), (Some(0), vec![]));
    assert!(
        visit.finding("secrets").contains("secret-key is the deployment's"),
        "it stands in the log only"
    );
    assert_eq!(contents(&data), before);
}

#[test]
fn options_that_do_not_go_together_have_failed_and_those_that_make_no_sense_are_bad_input() {
    let program = Program::new();
    let visit = Visit::pay(&program, "--roles api");
    assert_eq!(
        (visit.code, visit.verdict("configuration"), visit.verdict("challenge-service")),
        (Some(1), "failed", "failed")
    );
    std::fs::write(program.folder().join("fieldtest.toml"), "lissten = 'x'").unwrap();
    for (arguments, part) in [
        ("--environment test", "must be sandbox or production"),
        ("--secret-key hunter2", "64 hexadecimal digits"),
        ("--database-url mysql://me:hunter2@host/x", "postgres://"),
        ("--config fieldtest.toml", "line 1"),
    ] {
        let complaint = program.complain(2, &format!("doctor {arguments}"));
        assert!(complaint.contains(part) && !complaint.contains("hunter2"), "{complaint}");
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
        assert_eq!(run.code, Some(1), "{}", run.printed);
        let all = run.printed + &run.complaint;
        assert!(!all.contains("hunter2") && !all.contains("abab"), "{arguments}: {all}");
    }
}
