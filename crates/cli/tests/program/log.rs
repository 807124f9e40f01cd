//! What the log contains, and what it must not contain (§2, §10).

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use client::Tester;
use wire::app::CreateApp;
use wire::participation::JoinChallenge;
use wire::production_test::{CreateProductionTest, Platform};
use wire::verification::SimulateVerification;

use crate::server::{serve_and_log, serve_and_log_at, workspace_api};

const APP: &str = "FK5b0KSM";
const TITLE: &str = "the title of the order";
const KEY: &str = "the idempotency key";
const APP_NAME: &str = "the name of the app";
const SUBJECT: &str = "the name of the person";

#[tokio::test]
async fn the_log_has_no_secret_even_at_the_level_trace() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    for format in ["text", "json"] {
        let server = serve_and_log(&data, &log, &["--log-format", format]);
        let api = workspace_api(&server);
        let order = CreateProductionTest { title: TITLE.into(), ..CreateProductionTest::default() };
        let request = api
            .create_production_test(APP, &order, Some(&format!("{KEY} {format}")))
            .await
            .unwrap()
            .request;
        let challenge = loop {
            if let Some(challenge) = api.production_test(APP, &request.id).await.unwrap().challenge
            {
                break challenge;
            }
        };
        let tester = Tester::new(&server.url()).unwrap();
        let body = JoinChallenge { provider_id: "bankidse".into(), platform: Platform::Ios };
        let joined = tester.join(&challenge.id, &body).await.unwrap();
        let url = joined.participation.verification_url.clone();
        tester
            .simulate(&url, &SimulateVerification::Completed { subject: SUBJECT.into() })
            .await
            .unwrap();
        tester.participation(&joined.participation.id, &joined.token).await.unwrap();
        let body = CreateApp { name: APP_NAME.into(), ..CreateApp::default() };
        let app = api.create_app(&body, Some(&format!("{KEY} of an app {format}"))).await.unwrap();
        let rotated = api
            .rotate_client_secret(&app.client_id, Some(&format!("{KEY} of a rotation {format}")))
            .await
            .unwrap();
        server.stop().unwrap();

        let log = fs::read_to_string(&log).unwrap();
        for text in [
            request.id.as_str(),
            "hand-over",
            "/connect/v1/apps/{client_id}/production-tests",
            "stopped",
        ] {
            assert!(log.contains(text), "{format}: {text}");
        }
        let secret = |name: &str| fs::read_to_string(data.join(name)).unwrap().trim().to_owned();
        let (_, code) = url.split_once("code=").unwrap();
        let secrets = [
            secret("demo-api-key"),
            secret("secret-key"),
            secret("verification-secret"),
            joined.token,
            code.into(),
            app.client_secret,
            rotated.client_secret,
        ];
        for secret in secrets.iter().map(String::as_str).chain([TITLE, KEY, SUBJECT, APP_NAME]) {
            assert!(!log.contains(secret), "{format}: {secret}");
        }
    }
}

#[test]
fn probes_do_not_fill_the_log_and_addresses_are_logged_if_the_operator_wants_it() {
    let folder = tempfile::tempdir().unwrap();
    let log_of = |level, options: &[&str]| {
        let (data, log) = (folder.path().join("data"), folder.path().join("log"));
        let server = serve_and_log_at(level, &data, &log, options);
        for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            let head = "Host: x\r\nX-Forwarded-For: 198.51.100.7\r\nConnection: close";
            write!(stream, "GET {path} HTTP/1.1\r\n{head}\r\n\r\n").unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 200 "), "{path}");
        }
        server.stop().unwrap();
        fs::read_to_string(&log).unwrap()
    };
    let quiet = log_of("info", &[]);
    assert!(quiet.contains("/openapi.json"), "{quiet}");
    for absent in ["/healthz", "/readyz", "/metrics", "client=", "198.51.100.7"] {
        assert!(!quiet.contains(absent), "{absent}\n{quiet}");
    }
    let detailed = log_of("debug", &[]);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert!(detailed.contains(&format!("route=\"{path}\"")), "{path}\n{detailed}");
    }
    assert!(log_of("info", &["--log-client-address"]).contains(" client=127.0.0.1"));
    let trusting = ["--log-client-address", "--trusted-proxies", "127.0.0.1"];
    assert!(log_of("info", &trusting).contains(" client=198.51.100.7"));
}
