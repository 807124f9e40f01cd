//! Runs the checks of cargo-deny that need no network. The rules are in `deny.toml`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::command::{self, cargo, root, workshop};

/// Pinned, so that the same tree always gets the same result.
const VERSION: &str = "0.20.2";

/// Runs cargo-deny. If it is not installed, it is built first, which takes a minute or two.
pub(crate) fn run() -> Result<()> {
    let program = find_or_install()?;
    command::run(
        Command::new(program)
            .args(["--workspace", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"])
            .current_dir(root()),
    )
}

fn find_or_install() -> Result<PathBuf> {
    let folder = workshop("cargo-deny")?;
    let own = folder.join("bin/cargo-deny");
    if let Some(there) = [own.clone(), "cargo-deny".into()].into_iter().find(is_pinned_version) {
        return Ok(there);
    }
    println!("cargo-deny {VERSION} not found: building it");
    let arguments =
        ["install", "cargo-deny", "--version", VERSION, "--locked", "--quiet", "--profile", "dev"];
    // It runs for seconds, so optimisation and debug information would cost more than they save.
    command::run(cargo(&arguments).env("CARGO_PROFILE_DEV_DEBUG", "0").arg("--root").arg(&folder))?;
    Ok(own)
}

fn is_pinned_version(program: &PathBuf) -> bool {
    let version = Command::new(program).arg("--version").output();
    version.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).trim() == format!("cargo-deny {VERSION}")
    })
}
