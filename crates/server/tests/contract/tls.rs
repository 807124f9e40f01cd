//! §13: TLS of its own.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use test_support::OwnCertificate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::console;
use crate::support::{TestServer, eventually};

/// The files that a server is configured with, in a folder of their own.
struct Files {
    folder: tempfile::TempDir,
    current: OwnCertificate,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let current = OwnCertificate::make(folder.path(), "current", 300).unwrap();
        Self { folder, current }
    }

    /// A server that looks at the files every 20 ms and gives a handshake 300 ms.
    async fn server(&self) -> TestServer {
        TestServer::start_with(|config| {
            config.tls_cert = Some(self.current.certificate.clone());
            config.tls_key = Some(self.current.key.clone());
            config.limits.certificate_period = Duration::from_millis(20);
            config.limits.handshake = Duration::from_millis(300);
        })
        .await
    }

    fn make(&self, name: &str) -> OwnCertificate {
        OwnCertificate::make(self.folder.path(), name, 300).unwrap()
    }

    /// Replaces both files, one after the other.
    fn replace(&self, by: &OwnCertificate) {
        std::fs::copy(&by.key, &self.current.key).unwrap();
        std::fs::copy(&by.certificate, &self.current.certificate).unwrap();
    }
}

fn certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).unwrap()
}

/// A client that trusts these certificates only, and resumes no session.
fn connector(trusted: &[&OwnCertificate]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for one in trusted {
        roots.add(certificate(&one.certificate)).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    TlsConnector::from(Arc::new(config))
}

/// Sends a request on a new connection. Returns the certificate of the server.
async fn served(server: &TestServer, connector: &TlsConnector) -> CertificateDer<'static> {
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

#[tokio::test]
async fn links_begin_with_https_and_cookies_are_secure() {
    let files = Files::new();
    let server = files.server().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let joined = server.join(&challenge, "bankidse").send().await;
    let url = joined.expect(201)["verificationUrl"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&format!("{}/tpas/v1/simulator/", server.url)), "{url}");
    assert!(joined.header("set-cookie").unwrap().contains("; Secure"));

    let link = server.post("/connect/v1/console-links").send().await.expect(201);
    assert!(link["url"].as_str().unwrap().starts_with(&server.url), "{link}");
    let form = format!("key={}", server.api_key);
    let sign_in = server.request("POST", "/console/sign-in").header("Origin", &server.url);
    let signed_in = sign_in.body("application/x-www-form-urlencoded", form).send().await;
    assert_eq!(signed_in.status, 303, "{}", signed_in.text);
    assert!(signed_in.header("set-cookie").unwrap().contains("; Secure"));
    let person = console::Person::sign_in(&server, &server.api_key).await;
    assert_eq!(person.open(&server, console::TESTS_PAGE).await.status, 200);
}

#[tokio::test]
async fn a_new_pair_is_taken_up_while_requests_go_on() {
    let files = Files::new();
    let server = files.server().await;
    let new = files.make("new");
    // The file is replaced, and the client trusts what was in it.
    let before = files.make("before");
    std::fs::copy(&files.current.certificate, &before.certificate).unwrap();
    let connector = connector(&[&before, &new]);
    let old = served(&server, &connector).await;
    assert_eq!(old, certificate(&before.certificate));

    let load = async {
        let mut count = 0;
        while served(&server, &connector).await == old {
            count += 1;
            if count == 20 {
                files.replace(&new);
            }
        }
        count
    };
    let count = tokio::time::timeout(Duration::from_secs(20), load).await.expect("a new pair");
    assert!(count >= 20);
    assert_eq!(served(&server, &connector).await, certificate(&new.certificate));
}

#[tokio::test]
async fn a_broken_or_expired_pair_is_left_alone_and_the_next_good_one_is_taken_up() {
    let files = Files::new();
    let server = files.server().await;
    let before = files.make("before");
    std::fs::copy(&files.current.certificate, &before.certificate).unwrap();
    let (other, new) = (files.make("other"), files.make("new"));
    let expired = OwnCertificate::make(files.folder.path(), "expired", 1).unwrap();
    let connector = connector(&[&before, &other, &new, &expired]);
    let old = certificate(&before.certificate);
    let stays = async |what| {
        for _ in 0..20 {
            assert_eq!(served(&server, &connector).await, old, "{what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };

    std::fs::copy(&other.certificate, &files.current.certificate).unwrap();
    stays("the certificate alone").await;
    std::fs::write(&files.current.certificate, "").unwrap();
    stays("an empty file").await;
    std::fs::remove_file(&files.current.certificate).unwrap();
    stays("no file").await;
    // By the clock of the server, which is ahead of this machine's now.
    server.advance(Duration::from_hours(24 * 270));
    files.replace(&expired);
    stays("an expired certificate").await;
    files.replace(&new);
    let new = certificate(&new.certificate);
    eventually("the good pair is taken up", async || served(&server, &connector).await == new)
        .await;
}

#[tokio::test]
async fn a_handshake_ends_in_time_and_holds_nobody_up() {
    let files = Files::new();
    let server = files.server().await;
    let begun = Instant::now();
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(server.address()).await.unwrap());
    }
    // The beginning of a handshake that does not go on.
    silent[0].write_all(&[22, 3, 1, 2, 0]).await.unwrap();
    let connector = connector(&[&files.current]);
    served(&server, &connector).await;
    for mut stream in silent {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut [0; 16])).await;
        match read.expect("the server closes the connection") {
            Ok(0) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(begun.elapsed() >= Duration::from_millis(300));
    served(&server, &connector).await;
}

#[tokio::test]
async fn plain_http_is_told_to_use_https() {
    let files = Files::new();
    let server = files.server().await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{response}");
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{response}");
    assert!(body.contains("https://"), "{response}");
    // What is neither is closed without a word.
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(&[0; 4]).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert_eq!(answer, b"");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_handshakes_and_ends_idle_connections() {
    let files = Files::new();
    let server = TestServer::start_with(|config| {
        config.tls_cert = Some(files.current.certificate.clone());
        config.tls_key = Some(files.current.key.clone());
    })
    .await;
    let _silent = TcpStream::connect(server.address()).await.unwrap();
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut idle = connector(&[&files.current]).connect(name, stream).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert!(idle.read(&mut [0; 1024]).await.unwrap() > 0);
    let begun = Instant::now();
    server.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
