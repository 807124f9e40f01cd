//! A sandbox server for the steps that need one.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use tempfile::TempDir;
use test_support::ServerCommand;

use crate::command::{self, workshop};

/// The file with the demo workspace's API key.
pub(crate) const DEMO_KEY: &str = "demo-api-key";
/// The file with the secret that signs verification events.
pub(crate) const VERIFICATION_SECRET: &str = "verification-secret";

/// The token of the challenge service.
pub(crate) const TPAS_TOKEN: &str = "the-token-between-the-services-of-a-test-run";

/// Builds the program, and returns its path.
pub(crate) fn build() -> Result<PathBuf> {
    command::build(&["--package", "fieldtest", "--bin", "fieldtest"])
}

/// A running server and its data.
pub(crate) struct Server {
    // Declared before the data: the server stops before its data is deleted.
    server: test_support::Server,
    _data: TempDir,
}

impl Server {
    /// Builds the program and starts a sandbox server with the demo workspace. The log is
    /// `target/xtask/logs/<step>.log`.
    pub(crate) fn start(step: &str) -> Result<Self> {
        Self::start_at(step, 0, &[])
    }

    /// [`Server::start`] at this port of this machine, 0 for a free one, with further options.
    pub(crate) fn start_at(step: &str, port: u16, options: &[String]) -> Result<Self> {
        let program = build()?;
        let data = TempDir::with_prefix("fieldtest-")
            .context("cannot create a folder for the server's data")?;
        let server = ServerCommand::new(&program, data.path())
            .options(&["--environment", "sandbox", "--tpas-token", TPAS_TOKEN])
            .options(&options.iter().map(String::as_str).collect::<Vec<_>>())
            .listen(SocketAddr::from(([127, 0, 0, 1], port)))
            .log_to(&workshop("logs")?.join(format!("{step}.log")))
            .start()?;
        println!("the server listens on {}", server.url());
        Ok(Self { server, _data: data })
    }

    /// The base URL, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// A secret in the data directory, such as [`DEMO_KEY`].
    pub(crate) fn secret(&self, name: &str) -> Result<String> {
        Ok(self.server.secret(name)?)
    }

    /// Stops the server. Fails unless it ends in time and with exit code 0.
    pub(crate) fn stop(self) -> Result<()> {
        self.server.stop()?;
        Ok(())
    }
}
