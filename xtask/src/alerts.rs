//! Runs the script in `xtask/alerts` that has a real Prometheus fire each alert of `ops/alerts.yaml`
//! on real servers, and asks it every query of `ops/dashboard.json`.

use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::server::build;
use crate::{command, tools};

/// Builds the program and runs the script.
pub(crate) fn run() -> Result<()> {
    tools::need(&[tools::PYTHON, tools::PROMETHEUS])?;
    let data = TempDir::with_prefix("fieldtest-").context("cannot create a folder")?;
    command::run(
        Command::new("python3")
            .arg("-B")
            .arg(command::root().join("xtask/alerts/alerts.py"))
            .env("PROGRAM", build()?)
            .env("ROOT", command::root())
            .env("FOLDER", data.path()),
    )
}
