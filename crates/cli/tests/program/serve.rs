//! Starting and stopping (§13).

use std::fs;

use client::ClientError;
use wire::production_test::CreateProductionTest;

use crate::process::{Process, fail, run};

fn order() -> CreateProductionTest {
    CreateProductionTest { title: "BankID".into(), ..CreateProductionTest::default() }
}

#[tokio::test]
async fn the_first_start_prints_a_curl_that_works_and_the_next_one_keeps_the_secret_to_itself() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::serve(folder.path(), &[]);
    let api = server.api(folder.path());
    api.create_production_test("FK5b0KSM", &order(), None).await.unwrap();
    let url = server.url.clone();
    server.signal("TERM");
    let (code, greeting) = server.end();
    let key = fs::read_to_string(folder.path().join("demo-api-key")).unwrap();
    assert_eq!(code, Some(0));
    for part in [
        "curl -X POST \\\n",
        &format!("-H \"Authorization: Bearer {}\"", key.trim()),
        "-d '{\"title\":\"BankID SE Test\",\"providerIds\":[\"bankidse\"],\"maxStamps\":3}'",
        &format!("\"{url}/connect/v1/apps/FK5b0KSM/production-tests\""),
    ] {
        assert!(greeting.contains(part), "{part}\n{greeting}");
    }

    let server = Process::serve(folder.path(), &[]);
    server.signal("INT");
    let (code, greeting) = server.end();
    assert_eq!(code, Some(0));
    assert!(greeting.contains("demo-api-key") && !greeting.contains(key.trim()), "{greeting}");
    let log_files: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(
        !log_files.iter().any(|name| name.to_string_lossy().ends_with("-wal")),
        "{log_files:?}"
    );
}

#[tokio::test]
async fn a_stopped_server_answers_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::serve(folder.path(), &[]);
    let api = server.api(folder.path());
    api.create_production_test("FK5b0KSM", &order(), None).await.unwrap();
    server.signal("TERM");
    server.end();
    let refused = api.create_production_test("FK5b0KSM", &order(), None).await;
    assert!(matches!(refused, Err(ClientError::NoResponse(_))), "{refused:?}");
}

#[test]
fn a_second_signal_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::serve(folder.path(), &[]);
    // A request whose body never comes keeps the server busy.
    let mut stream =
        std::net::TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    let head = "POST /tpas/v1/verification-events HTTP/1.1\r\nHost: x\r\nX-Hopae-Signature: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    // The server asks for the body: it is at work on the request.
    let mut asked = [0; 12];
    std::io::Read::read_exact(&mut stream, &mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100");
    server.signal("TERM");
    // Once nobody new is let in, the first signal has been heard.
    let address = server.url.trim_start_matches("http://").to_owned();
    while std::net::TcpStream::connect(&address).is_ok() {}
    server.signal("TERM");
    let (code, _) = server.end();
    assert_eq!(code, Some(143));
}

#[test]
fn two_servers_on_one_data_directory_the_second_refuses_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let _first = Process::serve(folder.path(), &[]);
    let complaint = fail(1, &["serve", "--data-dir", path, "--listen", "127.0.0.1:0"]);
    assert!(complaint.starts_with("error: another fieldtest server is running on "), "{complaint}");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = Process::serve(one.path(), &[]);
    let address = first.url.trim_start_matches("http://");
    let complaint = fail(1, &["--data-dir", other.path().to_str().unwrap(), "--listen", address]);
    assert!(complaint.contains(address) && complaint.contains("--listen"), "{complaint}");
}

#[test]
fn bad_input_is_refused_before_anything_happens() {
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
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}
