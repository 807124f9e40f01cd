//! The data directory, its files, and who can read them.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::Visit;
use crate::invocation::Program;
use crate::process::Process;

/// A deployment with its secrets, and the folder that they are in.
fn deployment() -> (Program, std::path::PathBuf) {
    let program = Program::new();
    let data = program.folder().join("data");
    let server = Process::serve(&data, &[]);
    server.signal("TERM");
    server.end();
    (program, data)
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_secret_that_anybody_can_read_has_failed_and_one_in_a_shut_folder_is_a_warning() {
    let (program, data) = deployment();
    chmod(&data.join("secret-key"), 0o644);
    let visit = Visit::pay(&program, "");
    visit.warns("permissions", "secret-key (0644)", "chmod 600 ./data/secret-key");
    assert_eq!(visit.code, Some(0));
    chmod(&data, 0o755);
    let visit = Visit::pay(&program, "");
    visit.has_failed(
        "permissions",
        "anybody on this machine can get at",
        "chmod 700 ./data && chmod 600 ./data/secret-key",
    );
    chmod(&data.join("secret-key"), 0o600);
    Visit::pay(&program, "").warns("permissions", "./data (0755)", "chmod 700 ./data");
    chmod(&data.join("tpas.sqlite3"), 0o666);
    Visit::pay(&program, "").has_failed("permissions", "tpas.sqlite3 (0666)", "chmod 600");
}

#[test]
fn a_configuration_file_with_secrets_is_as_private_as_they_are() {
    let program = Program::new();
    let file = program.folder().join("fieldtest.toml");
    for (text, verdict) in [
        ("log-level = 'warn'", "ok"),
        ("database-url = 'postgres://me@127.0.0.1:9/x'", "ok"),
        ("database-url = 'postgres://me:hunter2@127.0.0.1:9/x'", "failed"),
        ("tpas-token = 'hunter2'", "failed"),
    ] {
        fs::write(&file, text).unwrap();
        chmod(&file, 0o644);
        assert_eq!(
            Visit::pay(&program, "--config fieldtest.toml").verdict("permissions"),
            verdict,
            "{text}"
        );
    }
    chmod(&file, 0o600);
    assert_eq!(Visit::pay(&program, "--config fieldtest.toml").verdict("permissions"), "ok");
}

#[test]
fn a_secret_that_is_another_one_missing_or_malformed_is_named() {
    let (program, data) = deployment();
    let key = data.join("secret-key");
    let kept = fs::read_to_string(&key).unwrap();
    let visit =
        Visit::pay(&program, &format!("--secret-key {} --verification-secret x", kept.trim()));
    assert_eq!((visit.code, visit.verdict("secrets")), (Some(0), "ok"));
    assert!(visit.finding("secrets").contains("verification-secret is given as an option"));

    Visit::pay(&program, &format!("--secret-key {}", "0b".repeat(32))).has_failed(
        "secrets",
        "secret-key is not the one",
        "give",
    );
    fs::write(&key, "ab").unwrap();
    Visit::pay(&program, "").has_failed(
        "secrets",
        "does not hold 64 hexadecimal digits",
        "restore it",
    );
    fs::remove_file(&key).unwrap();
    Visit::pay(&program, "").has_failed(
        "secrets",
        "secret-key is missing",
        "copy it from a server that runs",
    );
    assert!(!key.exists());
    assert_eq!(Visit::pay(&program, "--roles web").verdict("secrets"), "ok", "not needed for that");
}

#[test]
fn a_data_directory_that_is_none_is_named() {
    let program = Program::new();
    fs::write(program.folder().join("data"), "").unwrap();
    Visit::pay(&program, "").has_failed("data-directory", "./data is not a folder", "--data-dir");
}

#[test]
fn a_file_that_never_ends_holds_up_nothing() {
    let (program, data) = deployment();
    let key = data.join("secret-key");
    fs::remove_file(&key).unwrap();
    assert!(Command::new("mkfifo").arg(&key).status().unwrap().success());
    let visit = Visit::pay(&program, "");
    visit.has_failed("secrets", "could not be looked at within 5 seconds", "a disk");
    assert_eq!(visit.troubled(), [("secrets", "failed")]);
}

#[test]
fn an_address_that_is_taken_or_not_ours_is_named() {
    let program = Program::new();
    let elses = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = elses.local_addr().unwrap();
    let visit = Visit::pay(&program, &format!("--listen {taken}"));
    visit.has_failed(
        "address",
        "is taken by something that does not answer as fieldtest does",
        "--listen",
    );
    Visit::pay(&program, "--listen 192.0.2.1:8080").has_failed(
        "address",
        "no address of this machine",
        "0.0.0.0",
    );
}
