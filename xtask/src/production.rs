//! Runs the script in `xtask/browser` that has a test taken in a production deployment on this
//! machine, with a certificate authority of its own, by a person in a real browser.

use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::browser::FOLDER;
use crate::command::{self, workshop};
use crate::server::build;
use crate::{packages, tools};

/// Runs the script behind a small proxy of its own.
pub(crate) fn run() -> Result<()> {
    run_behind("node")
}

/// Runs the script behind the real nginx and the real Caddy, with the recipes in `ops/`.
pub(crate) fn run_behind_proxies() -> Result<()> {
    tools::need(&[tools::NGINX, tools::CADDY])?;
    run_behind("nginx")?;
    run_behind("caddy")
}

/// Installs what the script needs, builds the program and runs the script.
fn run_behind(proxy: &str) -> Result<()> {
    tools::need(&[tools::NODE, tools::NPM, tools::CHROMIUM, tools::OPENSSL])?;
    let folder = packages::npm(FOLDER, "browser")?;
    let data = TempDir::with_prefix("fieldtest-").context("cannot create a folder")?;
    command::run(
        Command::new("node")
            .arg(folder.join("production.mjs"))
            .env("PROGRAM", build()?)
            .env("FOLDER", data.path())
            .env("CHROMIUM", tools::chromium().context("Chromium cannot be found any more")?)
            .env("PROXY", proxy)
            .env("OPS", command::root().join("ops"))
            .env("PICTURES", workshop("browser-pictures")?)
            .current_dir(&folder),
    )
}
