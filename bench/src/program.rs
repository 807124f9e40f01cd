//! The program that is measured.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use test_support::ServerCommand;

/// The client id of the demo app.
pub(crate) const APP: &str = "FK5b0KSM";

/// The program, and the folder for its data and logs.
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// A folder on the disk whose syncs are measured.
    pub(crate) folder: PathBuf,
}

/// A running server. It is killed when it is dropped.
pub(crate) struct Server {
    server: test_support::Server,
    pub(crate) address: SocketAddr,
    /// The time from the start of the process to its first 200.
    pub(crate) start_time: Duration,
}

impl Program {
    /// Creates a data directory that is deleted when it is dropped.
    pub(crate) fn new_data(&self) -> Result<tempfile::TempDir> {
        tempfile::TempDir::with_prefix_in("data-", &self.folder)
            .context("cannot create a data directory")
    }

    /// Starts a server on this data directory with these options in addition.
    pub(crate) fn serve(&self, data: &Path, options: &[&str]) -> Result<Server> {
        let command = ServerCommand::new(&self.path, data)
            .options(&["--log-level", "warn"])
            .options(options)
            .log_to(&self.folder.join("server.log"));
        let start = Instant::now();
        let server = command.start()?;
        let address = server.address();
        check_health(address)?;
        Ok(Server { server, address, start_time: start.elapsed() })
    }
}

fn check_health(address: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect(address).context("cannot connect")?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    if response.starts_with("HTTP/1.1 200") {
        Ok(())
    } else {
        bail!("the server is not healthy: {response}")
    }
}

impl Server {
    pub(crate) fn tests_path() -> String {
        format!("/connect/v1/apps/{APP}/production-tests")
    }

    /// The API key of the demo workspace.
    pub(crate) fn api_key(&self) -> Result<String> {
        self.secret("demo-api-key")
    }

    /// A secret in the data directory.
    pub(crate) fn secret(&self, name: &str) -> Result<String> {
        Ok(self.server.secret(name)?)
    }

    /// The resident memory in megabytes.
    pub(crate) fn memory(&self) -> Result<f64> {
        self.status("VmRSS:")
    }

    /// The largest resident memory since the start in megabytes.
    pub(crate) fn peak_memory(&self) -> Result<f64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.server.pid()))?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .with_context(|| format!("/proc has no {name}"))?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes / 1024.0)
    }

    /// Stops the server and waits until it has ended.
    pub(crate) fn stop(self) -> Result<()> {
        self.server.stop()?;
        Ok(())
    }
}
