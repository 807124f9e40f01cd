//! Runs the script in `xtask/browser` against a server with a real browser: the pages load, fit the
//! screen, load nothing from other hosts, and a tester gets a stamp with them.

use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{self, workshop};
use crate::server::{DEMO_KEY, Server};
use crate::{packages, tools};

/// The folder with the script and the lock file of its dependencies.
const FOLDER: &str = "xtask/browser";

/// Installs what the script needs, starts a server and runs the script.
pub(crate) fn run() -> Result<()> {
    tools::need(&[tools::NODE, tools::NPM, tools::CHROMIUM])?;
    let folder = packages::npm(FOLDER, "browser")?;
    let server = Server::start("browser")?;
    command::run(
        Command::new("node")
            .arg(folder.join("main.mjs"))
            .env("ORIGIN", server.url())
            .env("API_KEY", server.secret(DEMO_KEY)?)
            .env("CHROMIUM", tools::chromium().context("Chromium cannot be found any more")?)
            .env("PICTURES", workshop("browser-pictures")?)
            .current_dir(&folder),
    )?;
    server.stop()
}
