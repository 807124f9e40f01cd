//! Starting and stopping (§13).

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use client::ClientError;
use test_support::Signal;
use wire::production_test::CreateProductionTest;

use crate::program::{fail, run};
use crate::server::{serve, workspace_api};

fn order() -> CreateProductionTest {
    CreateProductionTest { title: "BankID".into(), ..CreateProductionTest::default() }
}

#[tokio::test]
async fn only_the_first_start_prints_the_demo_key() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), &[]);
    let api = workspace_api(&server);
    api.create_production_test("FK5b0KSM", &order(), None).await.unwrap();
    let url = server.url();
    let message = server.stop().unwrap();
    let key = fs::read_to_string(folder.path().join("demo-api-key")).unwrap();
    for part in [
        "curl -X POST \\\n",
        &format!("-H \"Authorization: Bearer {}\"", key.trim()),
        "-d '{\"title\":\"BankID SE Test\",\"providerIds\":[\"bankidse\"],\"maxStamps\":3}'",
        &format!("\"{url}/connect/v1/apps/FK5b0KSM/production-tests\""),
    ] {
        assert!(message.contains(part), "{part}\n{message}");
    }

    let server = serve(folder.path(), &[]);
    server.signal(Signal::INT).unwrap();
    let exit = server.wait().unwrap();
    assert_eq!(exit.status.code(), Some(0));
    let message = exit.stdout;
    assert!(message.contains("demo-api-key") && !message.contains(key.trim()), "{message}");
    let log_files: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(
        !log_files.iter().any(|name| name.to_string_lossy().ends_with("-wal")),
        "{log_files:?}"
    );
}

#[tokio::test]
async fn a_stopped_server_does_not_answer() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), &[]);
    let api = workspace_api(&server);
    api.create_production_test("FK5b0KSM", &order(), None).await.unwrap();
    server.stop().unwrap();
    let refused = api.create_production_test("FK5b0KSM", &order(), None).await;
    assert!(matches!(refused, Err(ClientError::NoResponse(_))), "{refused:?}");
}

#[test]
fn a_second_signal_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), &[]);
    // A request without its body stays in flight.
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = "POST /tpas/v1/verification-events HTTP/1.1\r\nHost: x\r\nX-Hopae-Signature: x\r\n\
                Content-Length: 9\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    // The server asks for the body, so the request is in flight.
    let mut response = [0; 12];
    stream.read_exact(&mut response).unwrap();
    assert_eq!(&response, b"HTTP/1.1 100");
    server.signal(Signal::TERM).unwrap();
    // Connections are refused once the first signal is handled.
    while TcpStream::connect(server.address()).is_ok() {}
    server.signal(Signal::TERM).unwrap();
    assert_eq!(server.wait().unwrap().status.code(), Some(143));
}

#[test]
fn a_second_server_on_a_data_directory_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let _first = serve(folder.path(), &[]);
    let error = fail(1, &["serve", "--data-dir", path, "--listen", "127.0.0.1:0"]);
    assert!(error.starts_with("error: another fieldtest server is running on "), "{error}");
}

#[test]
fn the_error_names_an_address_that_is_taken() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = serve(one.path(), &[]);
    let address = first.address().to_string();
    let error = fail(1, &["--data-dir", other.path().to_str().unwrap(), "--listen", &address]);
    assert!(error.contains(&address) && error.contains("--listen"), "{error}");
}

#[test]
fn invalid_options_are_bad_input() {
    for arguments in [
        &["serve", "--listen", "nowhere"][..],
        &["serve", "--environment", "test"],
        &["serve", "--roles", "cook"],
        &["serve", "--rate-limit", "0"],
        &["serve", "--log-level", "loud"],
        &["cook"],
        &["--config", "/nonexistent/fieldtest.toml"],
    ] {
        let output = run(arguments);
        assert_eq!(output.code, Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}
