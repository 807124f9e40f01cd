//! Installs pinned packages from npm and PyPI below `target/xtask`, once for each set of pins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{self, root, workshop};
use crate::tools;

/// Copies the folder `source` to the workshop `name`, and installs there what its
/// `package-lock.json` pins. Returns the copy.
pub(crate) fn npm(source: &str, name: &str) -> Result<PathBuf> {
    tools::need(&[tools::NODE, tools::NPM])?;
    let folder = copy(source, name)?;
    once(&folder.join("package-lock.json"), &folder.join("installed.json"), || {
        command::run(
            Command::new("npm")
                .args(["ci", "--ignore-scripts", "--loglevel", "error"])
                .current_dir(&folder),
        )
    })?;
    Ok(folder)
}

/// Creates a virtual environment in the workshop `name` with what the `requirements.txt` of
/// `source` pins. Returns the folder with its programs.
pub(crate) fn pip(source: &str, name: &str) -> Result<PathBuf> {
    tools::need(&[tools::PYTHON])?;
    let requirements = root().join(source).join("requirements.txt");
    let folder = workshop(name)?;
    let programs = folder.join("venv/bin");
    once(&requirements, &folder.join("installed.txt"), || {
        command::run(
            Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder.join("venv")),
        )?;
        let mut pip = Command::new(programs.join("python"));
        command::run(
            pip.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements),
        )
    })?;
    Ok(programs)
}

/// Copies the files of `source`, a folder of the workspace, to the workshop `name`. Returns the
/// copy.
pub(crate) fn copy(source: &str, name: &str) -> Result<PathBuf> {
    let folder = workshop(name)?;
    for entry in
        fs::read_dir(root().join(source)).with_context(|| format!("cannot read {source}"))?
    {
        let entry = entry?;
        // Folders, such as `__pycache__`, are left behind by programs.
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name()))
                .with_context(|| format!("cannot copy {source}"))?;
        }
    }
    Ok(folder)
}

/// Installs, unless the file `installed` has the same pins.
fn once(pins: &Path, installed: &Path, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let text =
        fs::read_to_string(pins).with_context(|| format!("cannot read {}", pins.display()))?;
    if fs::read_to_string(installed).ok().as_ref() == Some(&text) {
        return Ok(());
    }
    install()?;
    fs::write(installed, text).with_context(|| format!("cannot write {}", installed.display()))
}
