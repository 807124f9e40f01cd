//! A real browser on a running server: the pages load, fit the screen, need nothing from elsewhere,
//! and a tester gets a stamp with them. What it does is in `xtask/browser/`; this file gives it all
//! that it needs.

use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{self, workshop};
use crate::server::{DEMO_KEY, Server};
use crate::{packages, tools};

/// The script, its parts, and the lock file of what it is made with.
const FOLDER: &str = "xtask/browser";

/// Installs what the script needs, starts a server and runs the script against it.
pub(crate) fn run() -> Result<()> {
    tools::need(&[tools::NODE, tools::NPM, tools::CHROMIUM])?;
    let folder = packages::npm(FOLDER, "browser")?;
    let server = Server::start("browser")?;
    command::run(
        Command::new("node")
            .arg(folder.join("main.mjs"))
            .env("ORIGIN", &server.origin)
            .env("API_KEY", server.secret(DEMO_KEY)?)
            .env("CHROMIUM", tools::chromium().context("Chromium has gone away")?)
            .env("PICTURES", workshop("browser-pictures")?)
            .current_dir(&folder),
    )?;
    server.stop()
}
