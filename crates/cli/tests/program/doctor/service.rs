//! A challenge service elsewhere (§10).

use std::io::{Read, Write};
use std::net::TcpListener;

use super::Visit;
use crate::invocation::Program;
use crate::process::Process;

const TOKEN: &str = "token-of-the-service";

/// Looks, as a server would be told that has its challenge service there.
fn visit(url: &str, token: &str) -> Visit {
    Visit::pay(
        &Program::new(),
        &format!("--roles api,scheduler --tpas-url {url} --tpas-token {token}"),
    )
}

#[test]
fn its_token_is_tried_without_making_anything() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::serve(folder.path(), &["--roles", "tpas", "--tpas-token", TOKEN]);
    let good = visit(&service.url, TOKEN);
    assert_eq!((good.code, good.verdict("challenge-service")), (Some(0), "ok"));
    assert!(good.finding("challenge-service").contains("takes the token"));
    visit(&service.url, "another").has_failed(
        "challenge-service",
        "refuses the token",
        "the same --tpas-token",
    );
    drop(service);
    let tables = rusqlite::Connection::open(folder.path().join("tpas.sqlite3")).unwrap();
    let made: u32 =
        tables.query_row("SELECT COUNT(*) FROM challenges", (), |row| row.get(0)).unwrap();
    assert_eq!(made, 0);
}

#[test]
fn a_server_that_is_no_challenge_service_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere =
        ["--roles", "api,scheduler", "--tpas-url", "http://127.0.0.1:9", "--tpas-token", TOKEN];
    let server = Process::serve(folder.path(), &elsewhere);
    visit(&server.url, TOKEN).has_failed(
        "challenge-service",
        "is no challenge service",
        "the role tpas",
    );
}

#[test]
fn what_does_not_answer_or_is_something_else_is_named() {
    let nobody = visit("http://127.0.0.1:9", TOKEN);
    nobody.has_failed("challenge-service", "no connection could be made", "see whether it runs");

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    visit(&url, TOKEN).has_failed("challenge-service", "it took too long", "see whether it runs");

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
    visit(&url, TOKEN).has_failed(
        "challenge-service",
        "not one that fieldtest gives",
        "correct --tpas-url",
    );
    answers.join().unwrap();
}

#[test]
fn one_that_lets_nobody_in_is_of_no_use_to_others() {
    let program = Program::new();
    Visit::pay(&program, "--roles tpas").warns(
        "challenge-service",
        "refuses every caller",
        "--tpas-token",
    );
    assert_eq!(
        Visit::pay(&program, "--roles tpas --tpas-token x").verdict("challenge-service"),
        "ok"
    );
    assert_eq!(Visit::pay(&program, "").verdict("challenge-service"), "ok", "in this process");
}
