//! Schemathesis: thousands of requests made up from the OpenAPI document, sent to a running server,
//! every answer compared with what the document says about it.

use std::process::Command;

use anyhow::Result;

use crate::command::{self, root, workshop};
use crate::packages;
use crate::server::{DEMO_KEY, Server, TPAS_TOKEN, VERIFICATION_SECRET};

/// What to send, how much of it, and with which keys: its configuration and its versions are beside
/// this crate.
const FOLDER: &str = "xtask/schemathesis";

/// Installs schemathesis if need be, starts a server and lets the one loose on the other.
pub(crate) fn run() -> Result<()> {
    let program = packages::pip(FOLDER, "schemathesis")?.join("schemathesis");
    let server = Server::start("schemathesis")?;
    command::run(
        Command::new(program)
            .arg("--config-file")
            .arg(root().join(FOLDER).join("schemathesis.toml"))
            .args(["run", "--no-color"])
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
