//! The real program, serving on a port and a data directory of its own for as long as a step needs
//! it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tempfile::TempDir;

use crate::command::{cargo, output, run, workshop};

/// How long a debug build may take to come up, the first migration included.
const START: Duration = Duration::from_secs(60);
/// How long it may take to end when asked to: what it promises for requests in flight, and some.
const STOP: Duration = Duration::from_secs(15);
/// How the line begins that says where it listens.
const LISTENS: &str = "fieldtest listens on ";

/// The file with the demo workspace's API key.
pub(crate) const DEMO_KEY: &str = "demo-api-key";
/// The file with the secret that verification events are signed with.
pub(crate) const VERIFICATION_SECRET: &str = "verification-secret";

/// The token between the scheduler and the challenge service of a server started here.
pub(crate) const TPAS_TOKEN: &str = "the-token-between-the-services-of-a-test-run";

/// Builds the program as `cargo run` would, and says where it is.
pub(crate) fn build() -> Result<PathBuf> {
    let arguments =
        ["build", "--package", "fieldtest", "--bin", "fieldtest", "--quiet", "--message-format"];
    let messages = output(cargo(&arguments).arg("json-render-diagnostics"))?;
    let mut programs = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message.get("executable")?.as_str().map(PathBuf::from)
    });
    programs.next_back().context("cargo built the program but did not say where it is")
}

/// A running server. Dropped, it is killed, whatever happened, and its data is deleted.
pub(crate) struct Server {
    process: Child,
    /// Nothing is ever sent: the other end goes away when the server does.
    alive: Receiver<()>,
    data: TempDir,
    log: PathBuf,
    /// Scheme, host and port, without a slash at the end.
    pub(crate) origin: String,
}

impl Server {
    /// Starts a sandbox server with the demo workspace on a free port. `name` is for its log.
    pub(crate) fn start(name: &str) -> Result<Self> {
        let program = build()?;
        let data = TempDir::with_prefix("fieldtest-")
            .context("cannot make a folder for the server's data")?;
        let log = workshop("logs")?.join(format!("{name}.log"));
        let log_file =
            File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut process = serve(&program, data.path())
            .stderr(log_file.try_clone().context("cannot share the log")?)
            .spawn()
            .context("cannot start the server")?;
        let (addresses, address) = channel();
        let (life, alive) = channel();
        if let Some(lines) = process.stdout.take() {
            std::thread::spawn(move || read_lines(lines, log_file, &addresses, life));
        }
        let mut server = Self { process, alive, data, log, origin: String::new() };
        server.origin = address
            .recv_timeout(START)
            .map_err(|_| server.complaint("did not say where it listens"))?;
        println!("the server listens on {}", server.origin);
        Ok(server)
    }

    /// A secret that the server keeps in its data directory, such as [`DEMO_KEY`].
    pub(crate) fn secret(&self, name: &str) -> Result<String> {
        let file = self.data.path().join(name);
        let secret =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(secret.trim().to_owned())
    }

    /// Asks the server to end, as an operator would, and fails unless it does so in time and
    /// without a complaint.
    pub(crate) fn stop(mut self) -> Result<()> {
        // The shell's `kill`, because not every system has one as a program.
        run(Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.process.id().to_string()]))?;
        if self.alive.recv_timeout(STOP) == Err(RecvTimeoutError::Timeout) {
            return Err(self.complaint("did not end when asked to"));
        }
        let status = self.process.wait().context("cannot wait for the server")?;
        if status.success() { Ok(()) } else { Err(self.complaint(&format!("ended with {status}"))) }
    }

    fn complaint(&self, what: &str) -> anyhow::Error {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let end = lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n");
        anyhow!("the server {what}; its log ends:\n{end}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail if it has already ended, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The command that serves, with nothing of the caller's own configuration in it.
fn serve(program: &Path, data: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FIELDTEST_"))
    {
        command.env_remove(name);
    }
    command
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--environment",
            "sandbox",
            "--rate-limit",
            "off",
        ])
        .args(["--tpas-token", TPAS_TOKEN, "--data-dir"])
        .arg(data)
        .current_dir(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// Passes the address on, once it is printed, and everything to the log, until the server ends;
/// `life` ends with it.
fn read_lines(output: ChildStdout, mut log: File, addresses: &Sender<String>, life: Sender<()>) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        if let Some(address) = line.strip_prefix(LISTENS) {
            // Nobody waits for a second one.
            let _ = addresses.send(address.trim_end_matches('/').to_owned());
        }
        let _ = writeln!(log, "{line}");
    }
    drop(life);
}
