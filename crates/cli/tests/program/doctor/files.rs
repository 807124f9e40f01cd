//! Checks of the data directory, its files and their permissions.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::DoctorReport;
use crate::program::Program;
use crate::server::serve;

/// A deployment with secrets, and its data directory.
fn deployment() -> (Program, std::path::PathBuf) {
    let program = Program::new();
    let data = program.folder().join("data");
    let server = serve(&data, &[]);
    server.stop().unwrap();
    (program, data)
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_readable_secret_fails_and_one_in_a_private_folder_is_a_warning() {
    let (program, data) = deployment();
    chmod(&data.join("secret-key"), 0o644);
    let report = DoctorReport::run(&program, "");
    report.warns("permissions", "secret-key (0644)", "chmod 600 ./data/secret-key");
    assert_eq!(report.code, Some(0));
    chmod(&data, 0o755);
    let report = DoctorReport::run(&program, "");
    report.has_failed(
        "permissions",
        "anybody on this machine can get at",
        "chmod 700 ./data && chmod 600 ./data/secret-key",
    );
    chmod(&data.join("secret-key"), 0o600);
    DoctorReport::run(&program, "").warns("permissions", "./data (0755)", "chmod 700 ./data");
    chmod(&data.join("tpas.sqlite3"), 0o666);
    DoctorReport::run(&program, "").has_failed("permissions", "tpas.sqlite3 (0666)", "chmod 600");
}

#[test]
fn a_configuration_file_with_secrets_must_be_private() {
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
            DoctorReport::run(&program, "--config fieldtest.toml").verdict("permissions"),
            verdict,
            "{text}"
        );
    }
    chmod(&file, 0o600);
    assert_eq!(DoctorReport::run(&program, "--config fieldtest.toml").verdict("permissions"), "ok");
}

#[test]
fn a_wrong_missing_or_malformed_secret_fails() {
    let (program, data) = deployment();
    let key = data.join("secret-key");
    let secret = fs::read_to_string(&key).unwrap();
    let report = DoctorReport::run(
        &program,
        &format!("--secret-key {} --verification-secret x", secret.trim()),
    );
    assert_eq!((report.code, report.verdict("secrets")), (Some(0), "ok"));
    assert!(report.finding("secrets").contains("verification-secret is given as an option"));

    DoctorReport::run(&program, &format!("--secret-key {}", "0b".repeat(32))).has_failed(
        "secrets",
        "secret-key is not the one",
        "give",
    );
    fs::write(&key, "ab").unwrap();
    DoctorReport::run(&program, "").has_failed(
        "secrets",
        "does not hold 64 hexadecimal digits",
        "restore it",
    );
    fs::remove_file(&key).unwrap();
    DoctorReport::run(&program, "").has_failed(
        "secrets",
        "secret-key is missing",
        "docs/operations.md",
    );
    assert!(!key.exists());
    assert_eq!(
        DoctorReport::run(&program, "--roles web").verdict("secrets"),
        "ok",
        "the role needs no secrets"
    );
}

#[test]
fn a_data_directory_that_is_a_file_fails() {
    let program = Program::new();
    fs::write(program.folder().join("data"), "").unwrap();
    DoctorReport::run(&program, "").has_failed(
        "data-directory",
        "./data is not a folder",
        "--data-dir",
    );
}

#[test]
fn a_pipe_in_place_of_a_file_does_not_block() {
    let (program, data) = deployment();
    let key = data.join("secret-key");
    fs::remove_file(&key).unwrap();
    assert!(Command::new("mkfifo").arg(&key).status().unwrap().success());
    let report = DoctorReport::run(&program, "");
    report.has_failed("secrets", "could not be looked at within 5 seconds", "a disk");
    assert_eq!(report.not_ok(), [("secrets", "failed")]);
}

#[test]
fn an_address_that_is_taken_or_not_local_fails() {
    let program = Program::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let report = DoctorReport::run(&program, &format!("--listen {taken}"));
    report.has_failed(
        "address",
        "is taken by something that does not answer as fieldtest does",
        "--listen",
    );
    DoctorReport::run(&program, "--listen 192.0.2.1:8080").has_failed(
        "address",
        "no address of this machine",
        "0.0.0.0",
    );
}
