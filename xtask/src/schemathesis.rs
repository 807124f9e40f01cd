//! Schemathesis: thousands of requests made up from the OpenAPI document, sent to a running server, every answer
//! compared with what the document says about it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{self, root, workshop};
use crate::server::{DEMO_KEY, Server, TPAS_TOKEN, VERIFICATION_SECRET};
use crate::tools;

/// What to send, how much of it, and with which keys: its configuration and its versions are beside this crate.
const FOLDER: &str = "xtask/schemathesis";

/// Installs schemathesis if need be, starts a server and lets the one loose on the other.
pub(crate) fn run() -> Result<()> {
    let program = install()?;
    let server = Server::start("schemathesis")?;
    command::run(
        Command::new(program)
            .arg("--config-file")
            .arg(root().join(FOLDER).join("schemathesis.toml"))
            .args(["run", "--checks", "all", "--no-color"])
            .arg(format!("{}/openapi.json", server.origin))
            .env("FIELDTEST_HOOKS", root().join(FOLDER).join("hooks.py"))
            .env("FIELDTEST_API_KEY", server.secret(DEMO_KEY)?)
            .env("FIELDTEST_TPAS_TOKEN", TPAS_TOKEN)
            .env("FIELDTEST_VERIFICATION_SECRET", server.secret(VERIFICATION_SECRET)?)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(workshop("schemathesis")?),
    )?;
    server.stop()
}

/// The program, in a virtual environment that has the pinned versions.
fn install() -> Result<PathBuf> {
    tools::need(&[tools::PYTHON])?;
    let requirements = root().join(FOLDER).join("requirements.txt");
    let wanted =
        fs::read_to_string(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let folder = workshop("schemathesis")?;
    let (environment, installed) = (folder.join("venv"), folder.join("installed.txt"));
    if fs::read_to_string(&installed).ok().as_ref() != Some(&wanted) {
        command::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
        let python = environment.join("bin/python");
        command::run(
            Command::new(python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements),
        )?;
        fs::write(&installed, wanted).with_context(|| format!("cannot write {}", installed.display()))?;
    }
    Ok(environment.join("bin/schemathesis"))
}
