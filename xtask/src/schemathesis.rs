//! Runs schemathesis: it generates thousands of requests from the OpenAPI document, sends them to a
//! server, and compares every response with the document.

use std::process::Command;

use anyhow::Result;

use crate::command::{self, root, workshop};
use crate::packages;
use crate::server::{DEMO_KEY, Server, TPAS_TOKEN, VERIFICATION_SECRET};

/// The folder with the configuration, the hooks and the versions.
const FOLDER: &str = "xtask/schemathesis";

/// Installs schemathesis if it is missing, starts a server and runs the one against the other.
pub(crate) fn run() -> Result<()> {
    let program = packages::pip(FOLDER, "schemathesis")?.join("schemathesis");
    let server = Server::start("schemathesis")?;
    command::run(
        Command::new(program)
            .arg("--config-file")
            .arg(root().join(FOLDER).join("schemathesis.toml"))
            .args(["run", "--no-color"])
            .arg(format!("{}/openapi.json", server.url()))
            .args(["--url", &server.url()])
            .env("FIELDTEST_HOOKS", root().join(FOLDER).join("hooks.py"))
            .env("FIELDTEST_API_KEY", server.secret(DEMO_KEY)?)
            .env("FIELDTEST_TPAS_TOKEN", TPAS_TOKEN)
            .env("FIELDTEST_VERIFICATION_SECRET", server.secret(VERIFICATION_SECRET)?)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(workshop("schemathesis")?),
    )?;
    server.stop()
}
