//! TLS of its own, and the URL at which people reach it (§13).

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use test_support::OwnCertificate;

use crate::doctor::DoctorReport;
use crate::program::Program;
use crate::server::serve;

/// A folder with `good.crt` and `good.key`, and those of `other`.
fn program() -> Program {
    let program = Program::new();
    for name in ["good", "other"] {
        OwnCertificate::make(program.folder(), name, 300).unwrap();
    }
    program
}

#[test]
fn a_server_with_a_certificate_says_that_it_speaks_https() {
    let program = program();
    let file = |name: &str| program.folder().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (file("good.crt"), file("good.key"));
    let server =
        serve(&program.folder().join("data"), &["--tls-cert", &certificate, "--tls-key", &key]);
    assert!(server.url().starts_with("https://127.0.0.1:"), "{}", server.url());
    let address = server.address();
    let report = DoctorReport::run(
        &program,
        &format!("--tls-cert good.crt --tls-key good.key --listen {address}"),
    );
    assert_eq!((report.code, report.not_ok()), (Some(0), vec![]));
    assert!(report.finding("address").contains("a fieldtest server is at"));
    let message = server.stop().unwrap();
    assert!(message.contains(&format!("https://{address}/t")), "{message}");
    assert!(!message.contains("http://"), "{message}");
}

#[test]
fn a_pair_that_cannot_be_used_is_bad_input_and_the_error_says_why() {
    let program = program();
    let folder = program.folder();
    fs::write(folder.join("text"), "no PEM").unwrap();
    let encrypt = ["pkey", "-aes256", "-passout", "pass:hunter2", "-in", "good.key", "-out"];
    let mut openssl = Command::new("openssl");
    let encrypted = openssl.args(encrypt).arg("secret.key").current_dir(folder).status();
    assert!(encrypted.unwrap().success());
    for (options, part) in [
        ("--tls-cert good.crt", "--tls-cert and --tls-key go together"),
        ("--tls-key good.key", "--tls-cert and --tls-key go together"),
        ("--tls-cert nowhere --tls-key good.key", "cannot read nowhere"),
        ("--tls-cert good.crt --tls-key nowhere", "correct --tls-key"),
        ("--tls-cert text --tls-key good.key", "text holds no certificate"),
        ("--tls-cert good.key --tls-key good.key", "good.key holds no certificate"),
        ("--tls-cert good.crt --tls-key good.crt", "good.crt holds no private key"),
        ("--tls-cert good.crt --tls-key other.key", "it belongs to another one"),
        ("--tls-cert good.crt --tls-key secret.key", "secret.key is encrypted"),
    ] {
        let error = program.fail(2, &format!("serve --listen 127.0.0.1:0 {options}"));
        assert!(error.contains(part), "{options}: {error}");
        let report = DoctorReport::run(&program, options);
        let check = if options.contains("cert") == options.contains("key") {
            "tls"
        } else {
            "configuration"
        };
        report.has_failed(check, part, "");
    }
}

#[test]
fn the_files_can_be_named_in_the_environment() {
    let program = program().with("FIELDTEST_TLS_CERT", "good.crt");
    let error = program.fail(2, "serve --listen 127.0.0.1:0");
    assert!(error.contains("go together"), "{error}");
    let program = program.with("FIELDTEST_TLS_KEY", "other.key");
    let error = program.fail(2, "serve --listen 127.0.0.1:0");
    assert!(error.contains("it belongs to another one"), "{error}");
}

#[test]
fn doctor_checks_key_validity_and_name() {
    let program = program();
    let run = |options: &str| DoctorReport::run(&program, options);
    let good = "--tls-cert good.crt --tls-key good.key";
    assert!(run(good).finding("tls").contains("is valid until"));
    assert!(run(&format!("{good} --public-url https://localhost:8443")).code == Some(0));
    run(&format!("{good} --public-url https://fieldtest.example")).has_failed(
        "tls",
        "not for fieldtest.example",
        "have one issued",
    );
    for (name, days) in [("expired", -1), ("soon", 2)] {
        OwnCertificate::make(program.folder(), name, days).unwrap();
    }
    run("--tls-cert expired.crt --tls-key expired.key").has_failed("tls", "expired at", "renew");
    run("--tls-cert soon.crt --tls-key soon.key").warns("tls", "expires at", "renew");
    let key = program.folder().join("good.key");
    fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
    assert_eq!(run(good).verdict("tls"), "ok");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    run(good).has_failed("tls", "every account may read", "chmod o-rw good.key");
}

#[test]
fn a_public_url_with_a_path_is_refused() {
    let program = Program::new();
    for url in ["https://host.example/fieldtest", "http://host.example:8080/a/b"] {
        let error = program.fail(2, &format!("serve --listen 127.0.0.1:0 --public-url {url}"));
        assert!(error.contains("must not have a path"), "{error}");
        DoctorReport::run(&program, &format!("--public-url {url}")).has_failed(
            "configuration",
            "a host name of its own",
            "",
        );
    }
    let report = DoctorReport::run(&program, "--public-url https://host.example/");
    assert_eq!(report.verdict("configuration"), "ok", "a slash is no path");
}
