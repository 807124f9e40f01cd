//! Databases that are files.

use std::fs;
use std::path::PathBuf;

use rusqlite::Connection;

use super::Visit;
use crate::invocation::Program;

/// A deployment that nobody serves, and one of its databases.
fn deployment(file: &str) -> (Program, PathBuf) {
    let program = Program::new();
    program.print("migrate");
    let path = program.folder().join("data").join(file);
    (program, path)
}

fn change(path: &PathBuf, sql: &str) {
    assert_eq!(Connection::open(path).unwrap().execute(sql, ()).unwrap(), 1, "{sql}");
}

#[test]
fn a_file_that_is_no_database_is_to_be_restored() {
    let (program, path) = deployment("tpas.sqlite3");
    for nonsense in ["no database\n".repeat(1000), "SQLite format 3\0".into()] {
        fs::write(&path, nonsense).unwrap();
        let visit = Visit::pay(&program, "");
        visit.has_failed(
            "tpas-database",
            "tpas.sqlite3 is not a database",
            "restore it from a backup",
        );
        assert_eq!(visit.verdict("connect-database"), "ok");
        visit.warns("secrets", "cannot be read", "fix the database first");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    Visit::pay(&program, "").has_failed("tpas-database", "it is not a file", "restore");
}

#[test]
fn an_empty_file_is_a_database_that_is_still_to_be_made() {
    let (program, path) = deployment("connect.sqlite3");
    fs::write(&path, "").unwrap();
    let log = path.with_extension("sqlite3-wal");
    fs::write(&log, "what may be left").unwrap();
    let visit = Visit::pay(&program, "");
    visit.warns("connect-tables", "there are no tables", "fieldtest migrate");
    assert_eq!(visit.code, Some(0));
    assert_eq!(fs::read_to_string(&log).unwrap(), "what may be left");
}

#[test]
fn tables_of_another_version_are_named_with_their_migrations() {
    let (program, path) = deployment("connect.sqlite3");
    assert_eq!(Visit::pay(&program, "").verdict("connect-tables"), "ok");
    change(&path, "DELETE FROM refinery_schema_history WHERE version = 7");
    let visit = Visit::pay(&program, "");
    visit.warns("connect-tables", "migration 7 is missing", "fieldtest migrate");
    assert_eq!(visit.code, Some(0), "the next start adds it");

    let (program, path) = deployment("connect.sqlite3");
    change(
        &path,
        "INSERT INTO refinery_schema_history (version, name, checksum) VALUES (99, 'of_the_future', '0')",
    );
    Visit::pay(&program, "").has_failed(
        "connect-tables",
        "newer fieldtest: migration 99",
        "start that version",
    );

    let (program, path) = deployment("tpas.sqlite3");
    change(&path, "UPDATE refinery_schema_history SET checksum = '0' WHERE version = 1");
    Visit::pay(&program, "").has_failed(
        "tpas-tables",
        "something else: migration 1",
        "restore a backup",
    );
}

#[test]
fn a_database_that_somebody_has_locked_for_too_long_is_waited_for_as_long_as_a_server_would() {
    let (program, path) = deployment("connect.sqlite3");
    let elses = Connection::open(&path).unwrap();
    elses.execute_batch("BEGIN IMMEDIATE").unwrap();
    let visit = Visit::pay(&program, "");
    visit.has_failed("connect-database", "does not answer in time", "what has locked it");
    assert_eq!(visit.verdict("connect-tables"), "ok", "it can still be read");
}

#[test]
fn a_row_from_the_future_shows_that_the_clock_is_behind() {
    let (program, path) = deployment("connect.sqlite3");
    change(
        &path,
        "INSERT INTO workspaces (id, name, created_at) VALUES ('org_x', 'x', unixepoch() * 1000 - 60000)",
    );
    assert_eq!(Visit::pay(&program, "").verdict("clock"), "ok");
    change(&path, "UPDATE workspaces SET created_at = (unixepoch() + 5 * 86400 + 60) * 1000");
    Visit::pay(&program, "").has_failed("clock", "was made 5 days later than that", "NTP");

    let (program, path) = deployment("tpas.sqlite3");
    change(
        &path,
        "INSERT INTO challenges (id, request_id, host_name, title, provider_ids, max_stamp_claims, stamp_claims, created_at,
            expires_at) VALUES (x'00', x'00', 'x', 'x', '[]', 1, 0, (unixepoch() + 3630) * 1000, 0)",
    );
    Visit::pay(&program, "").has_failed(
        "clock",
        "tpas.sqlite3 was made 60 min later",
        "it was wrong when that row was made",
    );
}

#[test]
fn a_database_of_another_environment_is_named() {
    let (program, path) = deployment("connect.sqlite3");
    change(&path, "INSERT INTO deployment_facts VALUES ('environment', 'production')");
    Visit::pay(&program, "").has_failed(
        "environment",
        "belongs to a production deployment",
        "--environment production",
    );
    let visit =
        Visit::pay(&program, "--environment production --public-url https://fieldtest.example");
    assert_eq!((visit.code, visit.verdict("environment")), (Some(0), "ok"));
    Visit::pay(&program, "--environment production").warns(
        "configuration",
        "https",
        "--public-url",
    );
}
