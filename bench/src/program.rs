//! The real program, as an operator would start it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The app of the demo workspace.
pub(crate) const APP: &str = "FK5b0KSM";

/// How the line begins that says where it listens.
const LISTENS: &str = "fieldtest listens on http://";

/// Where the program is, and where it can keep data and logs.
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// On the disk whose syncs are measured.
    pub(crate) folder: PathBuf,
}

/// A running server. Dropped, it is killed.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    /// From the start of the process to its first 200.
    pub(crate) came_up_in: Duration,
    data: PathBuf,
}

impl Program {
    /// A folder for data that goes when it is dropped.
    pub(crate) fn new_data(&self) -> Result<tempfile::TempDir> {
        tempfile::TempDir::with_prefix_in("data-", &self.folder)
            .context("cannot make a folder for data")
    }

    /// Serves with this data and these options besides.
    pub(crate) fn serve(&self, data: &Path, more: &[&str]) -> Result<Server> {
        let log = File::create(self.folder.join("server.log")).context("cannot make a log")?;
        let begun = Instant::now();
        let mut process = Command::new(&self.path)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--rate-limit",
                "off",
                "--log-level",
                "warn",
                "--data-dir",
            ])
            .arg(data)
            .args(more)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", self.path.display()))?;
        let mut line = String::new();
        let said = process.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
        let address =
            line.trim_end().strip_prefix(LISTENS).and_then(|address| address.parse().ok());
        let Some((address, Ok(_))) = address.zip(said) else {
            // It has said why in its log.
            let log = fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
            let _ = process.kill();
            bail!("the server did not come up: {line}{log}");
        };
        let mut server =
            Server { process, address, came_up_in: Duration::ZERO, data: data.to_owned() };
        server.is_alive()?;
        server.came_up_in = begun.elapsed();
        Ok(server)
    }
}

impl Server {
    fn is_alive(&self) -> Result<()> {
        let mut stream = TcpStream::connect(self.address).context("cannot connect")?;
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200") {
            Ok(())
        } else {
            bail!("the server is not well: {answer}")
        }
    }

    pub(crate) fn tests_path() -> String {
        format!("/connect/v1/apps/{APP}/production-tests")
    }

    /// The demo workspace's key.
    pub(crate) fn api_key(&self) -> Result<String> {
        self.secret("demo-api-key")
    }

    /// A secret that the server keeps in its data directory.
    pub(crate) fn secret(&self, name: &str) -> Result<String> {
        let secret = fs::read_to_string(self.data.join(name))
            .with_context(|| format!("cannot read {name}"))?;
        Ok(secret.trim().to_owned())
    }

    /// How much memory it has in use now, in megabytes.
    pub(crate) fn memory(&self) -> Result<f64> {
        self.status("VmRSS:")
    }

    /// The most memory that it ever had in use, in megabytes.
    pub(crate) fn peak_memory(&self) -> Result<f64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .context("the system does not say")?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes / 1024.0)
    }

    /// Asks it to end, and waits for that.
    pub(crate) fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        asked.context("cannot run kill")?;
        let status = self.process.wait()?;
        if status.success() { Ok(()) } else { bail!("the server ended with {status}") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail if it has ended already, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
