//! Checks which crates may depend on which, and which libraries a crate must not use. The same
//! picture is in ARCHITECTURE.md.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use toml::Table;

/// The folder of a crate, the crates of the workspace that it may depend on, and libraries that it
/// must not use.
type Border = (&'static str, &'static str, &'static [&'static str]);

const ASYNC: &[&str] = &["tokio", "futures-util"];
const HTTP: &[&str] = &["axum", "hyper", "reqwest", "tower"];
const SQL: &[&str] = &["rusqlite", "tokio-postgres", "deadpool-postgres"];

const BORDERS: &[Border] = &[
    ("domain", "", &["tokio", "futures-util", "axum", "rusqlite", "tracing"]),
    ("wire", "openapi-off domain", &["tokio", "futures-util", "axum", "rusqlite", "reqwest"]),
    ("openid-connect", "domain", &["axum", "hyper", "rusqlite", "tokio-postgres", "tracing"]),
    ("client", "domain wire", &["axum", "rusqlite", "tokio-postgres"]),
    ("traces", "domain", &["axum", "hyper", "rusqlite", "tokio-postgres"]),
    ("db", "domain", HTTP),
    ("store-workspace", "domain db", HTTP),
    ("store-challenge", "domain db", HTTP),
    ("http-support", "openapi-off domain wire db", SQL),
    (
        "challenge-service",
        "openapi-off domain wire client openid-connect db store-challenge http-support traces",
        SQL,
    ),
    ("scheduler", "domain db store-workspace challenge-service traces", HTTP),
    ("webhooks", "domain wire db store-workspace", &["axum", "rusqlite", "tokio-postgres"]),
    (
        "workspace-api",
        "openapi-off domain wire db store-workspace http-support challenge-service scheduler \
         webhooks traces",
        SQL,
    ),
    ("console", "domain wire store-workspace http-support", SQL),
    (
        "server",
        "openapi-off domain wire client openid-connect db store-workspace store-challenge \
         http-support challenge-service scheduler webhooks workspace-api console traces",
        SQL,
    ),
    ("cli", "domain wire client db store-workspace store-challenge webhooks server", HTTP),
    ("test-support", "", ASYNC),
    ("openapi-off", "", ASYNC),
];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn dependencies(folder: &str) -> BTreeSet<String> {
    let manifest = root().join("crates").join(folder).join("Cargo.toml");
    let manifest: Table = std::fs::read_to_string(manifest).unwrap().parse().unwrap();
    let dependencies = manifest.get("dependencies").and_then(|value| value.as_table());
    dependencies.map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

#[test]
fn crates_depend_only_on_what_they_may_depend_on() {
    for (folder, allowed, forbidden) in BORDERS {
        let allowed: Vec<&str> = allowed.split_whitespace().collect();
        for dependency in dependencies(folder) {
            let is_ours = BORDERS.iter().any(|(folder, ..)| dependency == *folder);
            let is_allowed = !is_ours || allowed.contains(&dependency.as_str());
            let is_forbidden = forbidden.contains(&dependency.as_str());
            assert!(is_allowed && !is_forbidden, "{folder} must not depend on {dependency}");
        }
    }
}

#[test]
fn every_crate_has_a_row() {
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let name = entry.unwrap().file_name();
        let has_row = BORDERS.iter().any(|(folder, ..)| name == *folder);
        assert!(has_row, "{} has no row", name.display());
    }
}

#[test]
fn every_migration_is_listed_by_its_store() {
    for store in ["store-workspace", "store-challenge"] {
        let folder = root().join("crates").join(store);
        let listed = std::fs::read_to_string(folder.join("src/lib.rs")).unwrap();
        for engine in ["sqlite", "postgres"] {
            for entry in std::fs::read_dir(folder.join("migrations").join(engine)).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_stem().unwrap().to_str().unwrap();
                assert!(listed.contains(&format!("{name:?}")), "{store} does not list {name}");
            }
        }
    }
}

#[test]
fn no_file_refers_to_a_path_outside_the_repository() {
    // In two parts, so that this file does not match.
    let outside = concat!("../", "shared");
    let found = Command::new("git")
        .current_dir(root())
        .args(["grep", "--ignore-case", "--line-number", "--fixed-strings", "-e", outside])
        .output()
        .unwrap();
    let lines = String::from_utf8_lossy(&found.stdout);
    assert!(lines.is_empty(), "these lines refer to a path outside of the repository:\n{lines}");
}
