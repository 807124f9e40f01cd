//! Checks of a challenge service in another process (§10).

use std::io::{Read, Write};
use std::net::TcpListener;

use super::DoctorReport;
use crate::program::Program;
use crate::server::serve;

const TOKEN: &str = "token-of-the-service";

/// Runs the checks for a server with this challenge service.
fn doctor(url: &str, token: &str) -> DoctorReport {
    DoctorReport::run(
        &Program::new(),
        &format!("--roles api,scheduler --tpas-url {url} --tpas-token {token}"),
    )
}

#[test]
fn the_token_is_checked_without_a_write() {
    let folder = tempfile::tempdir().unwrap();
    let service = serve(folder.path(), &["--roles", "tpas", "--tpas-token", TOKEN]);
    let good = doctor(&service.url(), TOKEN);
    assert_eq!((good.code, good.verdict("challenge-service")), (Some(0), "ok"));
    assert!(good.finding("challenge-service").contains("takes the token"));
    doctor(&service.url(), "another").has_failed(
        "challenge-service",
        "refuses the token",
        "the same --tpas-token",
    );
    drop(service);
    let tables = rusqlite::Connection::open(folder.path().join("tpas.sqlite3")).unwrap();
    let count: u32 =
        tables.query_row("SELECT COUNT(*) FROM challenges", (), |row| row.get(0)).unwrap();
    assert_eq!(count, 0);
}

#[test]
fn a_server_without_the_role_tpas_fails() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere =
        ["--roles", "api,scheduler", "--tpas-url", "http://127.0.0.1:9", "--tpas-token", TOKEN];
    let server = serve(folder.path(), &elsewhere);
    doctor(&server.url(), TOKEN).has_failed(
        "challenge-service",
        "is no challenge service",
        "the role tpas",
    );
}

#[test]
fn another_service_or_none_fails() {
    let unreachable = doctor("http://127.0.0.1:9", TOKEN);
    unreachable.has_failed("challenge-service", "no connection could be made", "--tpas-url");

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    doctor(&url, TOKEN).has_failed("challenge-service", "it took too long", "--tpas-url");

    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", other.local_addr().unwrap());
    let answers = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        let read = stream.read(&mut [0; 4096]).unwrap();
        assert_ne!(read, 0);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
            .unwrap();
    });
    doctor(&url, TOKEN).has_failed(
        "challenge-service",
        "not one that fieldtest gives",
        "correct --tpas-url",
    );
    answers.join().unwrap();
}

#[test]
fn a_challenge_service_without_a_token_is_a_warning() {
    let program = Program::new();
    DoctorReport::run(&program, "--roles tpas").warns(
        "challenge-service",
        "refuses every caller",
        "--tpas-token",
    );
    assert_eq!(
        DoctorReport::run(&program, "--roles tpas --tpas-token x").verdict("challenge-service"),
        "ok"
    );
    assert_eq!(
        DoctorReport::run(&program, "").verdict("challenge-service"),
        "ok",
        "in this process"
    );
}
