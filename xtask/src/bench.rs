//! `cargo xtask bench`: builds the program and what measures it, and lets the one loose on the
//! other.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{cargo, output, root, run, workshop};
use crate::packages;
use crate::tools::{self, POSTGRESQL};

/// Where the table goes.
const DOCUMENT: &str = "docs/performance.md";

/// Builds in release mode and measures. Whatever is given is passed on; a whole run writes its
/// table into the document.
pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    tools::need(&[POSTGRESQL])?;
    let program = build(&["--package", "fieldtest", "--features", "bench"])?;
    let measures = build(&["--package", "fieldtest-bench"])?;
    let peer = packages::npm("bench/fastify", "bench-fastify")?;
    let mut command = Command::new(measures);
    command
        .arg("--program")
        .arg(program)
        .arg("--folder")
        .arg(workshop("bench")?)
        .arg("--peer")
        .arg(peer);
    if arguments.is_empty() {
        let commit = output(Command::new("git").args(["rev-parse", "--short", "HEAD"]))?;
        command.arg("--write").arg(root().join(DOCUMENT)).args(["--commit", commit.trim()]);
    }
    run(command.args(arguments))
}

/// Builds a program in release mode, and says where it is.
fn build(what: &[&str]) -> Result<PathBuf> {
    let arguments =
        ["build", "--release", "--quiet", "--message-format", "json-render-diagnostics"];
    let messages = output(cargo(&arguments).args(what))?;
    let mut programs = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message.get("executable")?.as_str().map(PathBuf::from)
    });
    programs.next_back().context("cargo built the program but did not say where it is")
}
