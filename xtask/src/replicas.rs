//! Runs the script in `xtask/browser` that kills a replica while a person watches a test in a real
//! browser.

use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;
use test_support::{Cluster, Durability};

use crate::browser::FOLDER;
use crate::command::{self, workshop};
use crate::server::build;
use crate::{packages, tools};

/// Installs what the script needs, builds the program, starts PostgreSQL and runs the script.
pub(crate) fn run() -> Result<()> {
    tools::need(&[tools::NODE, tools::NPM, tools::CHROMIUM, tools::POSTGRESQL])?;
    let folder = packages::npm(FOLDER, "browser")?;
    let data = TempDir::with_prefix("fieldtest-").context("cannot create a folder")?;
    let cluster = Cluster::start(Durability::Fast)?;
    command::run(
        Command::new("node")
            .arg(folder.join("replicas.mjs"))
            .env("PROGRAM", build()?)
            .env("FOLDER", data.path())
            .env("DATABASE_URL", cluster.url("postgres"))
            .env("CHROMIUM", tools::chromium().context("Chromium cannot be found any more")?)
            .env("PICTURES", workshop("browser-pictures")?)
            .current_dir(&folder),
    )
}
