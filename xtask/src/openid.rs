//! Runs the script in `xtask/browser` that has testers verified by a certified OpenID Connect
//! provider in its rarer modes. It needs no browser, and starts provider and program itself.

use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::browser::FOLDER;
use crate::command;
use crate::server::build;
use crate::{packages, tools};

/// Installs what the script needs, builds the program and runs the script.
pub(crate) fn run() -> Result<()> {
    tools::need(&[tools::NODE, tools::NPM])?;
    let folder = packages::npm(FOLDER, "browser")?;
    let data = TempDir::with_prefix("fieldtest-").context("cannot create a folder")?;
    command::run(
        Command::new("node")
            .arg(folder.join("modes.mjs"))
            .env("PROGRAM", build()?)
            .env("FOLDER", data.path())
            .current_dir(&folder),
    )
}
