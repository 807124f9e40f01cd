//! `cargo xtask screenshots`: pictures of the testers' pages for the documentation.

use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{self, root};
use crate::server::{DEMO_KEY, Server};
use crate::{browser, packages, tools};

/// Takes the pictures anew, into `docs/screenshots`.
pub(crate) fn run() -> Result<()> {
    tools::need(&[tools::NODE, tools::NPM, tools::CHROMIUM])?;
    let folder = packages::npm(browser::FOLDER, "browser")?;
    let pictures = root().join("docs/screenshots");
    std::fs::create_dir_all(&pictures).context("cannot create docs/screenshots")?;
    let server = Server::start("screenshots")?;
    command::run(
        Command::new("node")
            .arg(folder.join("screenshots.mjs"))
            .env("ORIGIN", server.url())
            .env("API_KEY", server.secret(DEMO_KEY)?)
            .env("CHROMIUM", tools::chromium().context("Chromium cannot be found any more")?)
            .env("PICTURES", pictures)
            .current_dir(&folder),
    )?;
    server.stop()
}
