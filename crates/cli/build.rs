//! Tells the program its commit and its features. Runs again only when one of them changes.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let commit = repository().and_then(|()| git(&["rev-parse", "HEAD"]));
    if let Some(moves) =
        commit.as_ref().and_then(|_| git(&["rev-parse", "--git-path", "logs/HEAD"]))
    {
        // A file that does not exist would count as changed with every build.
        if Path::new(&moves).exists() {
            println!("cargo::rerun-if-changed={moves}");
        }
    }
    let commit = commit.as_deref().unwrap_or("unknown, not built in a repository");
    println!("cargo::rustc-env=COMMIT={commit}");
    let features: Vec<&str> =
        [("CARGO_FEATURE_BENCH", "bench"), ("CARGO_FEATURE_OPENAPI", "openapi")]
            .into_iter()
            .filter_map(|(variable, name)| std::env::var_os(variable).map(|_| name))
            .collect();
    let features = if features.is_empty() { "none".to_owned() } else { features.join(", ") };
    println!("cargo::rustc-env=FEATURES={features}");
}

/// Whether this is a clone of the project, and not a folder inside another repository.
fn repository() -> Option<()> {
    let root = Path::new("../..").canonicalize().ok()?;
    (Path::new(&git(&["rev-parse", "--show-toplevel"])?) == root).then_some(())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
