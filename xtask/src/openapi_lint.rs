//! Lints the OpenAPI documents with the two linters that API catalogues and gateways use.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::command::{root, run, transcript};
use crate::generate::DOCUMENTS;
use crate::packages;

/// The folder with the configurations and the lock file of both linters.
const FOLDER: &str = "xtask/openapi-lint";

/// Lints each document with Redocly. A warning is a failure.
pub(crate) fn redocly() -> Result<()> {
    let folder = install()?;
    let mut linter = Command::new(folder.join("node_modules/.bin/redocly"));
    linter.args(["lint", "--config"]).arg(folder.join("redocly.yaml"));
    linter.args(documents());
    // It would send statistics, and ask for newer versions.
    linter.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    let log = transcript(&mut linter)?;
    // The linter ends with 0 in spite of warnings.
    if log.to_lowercase().contains("warning") {
        bail!("Redocly warns:\n{log}");
    }
    Ok(())
}

/// Lints each document with Spectral. Whatever it says is a failure.
pub(crate) fn spectral() -> Result<()> {
    let folder = install()?;
    let mut linter = Command::new(folder.join("node_modules/.bin/spectral"));
    linter.args(["lint", "--fail-severity", "hint", "--format", "text", "--ruleset"]);
    run(linter.arg(folder.join("spectral.yaml")).args(documents()))
}

fn install() -> Result<PathBuf> {
    packages::npm(FOLDER, "openapi-lint")
}

fn documents() -> impl Iterator<Item = PathBuf> {
    DOCUMENTS.iter().map(|(_, file)| root().join(file))
}
