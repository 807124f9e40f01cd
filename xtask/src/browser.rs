//! A real browser on a running server: the pages load, fit the screen, need nothing from elsewhere, and a tester gets a
//! stamp with them. What it does is in `xtask/browser/`; this file gives it all that it needs.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{self, root, workshop};
use crate::server::{DEMO_KEY, Server};
use crate::tools;

/// The script, its parts, and the lock file of what it is made with.
const FOLDER: &str = "xtask/browser";

/// Installs what the script needs, starts a server and runs the script against it.
pub(crate) fn run() -> Result<()> {
    tools::need(&[tools::NODE, tools::NPM, tools::CHROMIUM])?;
    let folder = install()?;
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

/// Copies the script below `target`, so that what it is made with can lie beside it, and installs that.
fn install() -> Result<PathBuf> {
    let (source, folder) = (root().join(FOLDER), workshop("browser")?);
    for entry in fs::read_dir(&source).with_context(|| format!("cannot read {}", source.display()))? {
        let file = entry?;
        fs::copy(file.path(), folder.join(file.file_name())).context("cannot copy the browser's script")?;
    }
    let (lock, installed) = (folder.join("package-lock.json"), folder.join("installed.json"));
    let wanted = fs::read_to_string(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    if fs::read_to_string(&installed).ok().as_ref() != Some(&wanted) {
        command::run(Command::new("npm").args(["ci", "--ignore-scripts", "--loglevel", "error"]).current_dir(&folder))?;
        fs::write(&installed, wanted).with_context(|| format!("cannot write {}", installed.display()))?;
    }
    Ok(folder)
}
