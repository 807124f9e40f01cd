use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::ChildGuard;

/// How long a debug build may take to listen, its first migration included.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a server may take to stop: the 10 seconds that it gives to requests in flight, and a
/// margin.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// How the line begins that says where the server listens.
const LISTENS: &str = "fieldtest listens on ";

/// How many lines of the log an error quotes.
const QUOTED_LINES: usize = 20;

/// How to start `fieldtest serve`: on a free port of 127.0.0.1, without a rate limit, and without
/// the `FIELDTEST_*` variables of the calling process.
#[derive(Debug)]
pub struct ServerCommand {
    command: Command,
    data_dir: PathBuf,
    address: SocketAddr,
    log: Option<PathBuf>,
}

impl ServerCommand {
    /// Serves with this program on this data directory, which the server makes if it is missing.
    #[must_use]
    pub fn new(program: &Path, data_dir: &Path) -> Self {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FIELDTEST_") {
                command.env_remove(name);
            }
        }
        // In the environment, so that a test's options may set another one.
        command.env("FIELDTEST_RATE_LIMIT", "off");
        command.args(["serve", "--data-dir"]).arg(data_dir);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { command, data_dir: data_dir.into(), address, log: None }
    }

    /// Adds options of `fieldtest serve`.
    #[must_use]
    pub fn options(mut self, options: &[&str]) -> Self {
        self.command.args(options);
        self
    }

    /// Listens on this address instead of a free port.
    #[must_use]
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Writes the log to this file, which is truncated first. Without this call the log goes to
    /// the standard error of the calling process.
    #[must_use]
    pub fn log_to(self, file: &Path) -> Self {
        Self { log: Some(file.into()), ..self }
    }

    /// Starts the server and waits until it listens.
    ///
    /// # Errors
    /// When the program cannot be started, ends, or does not listen within 60 seconds.
    pub fn start(mut self) -> Result<Server, ServerError> {
        let stderr = match &self.log {
            Some(file) => File::create(file)
                .map_err(ServerError::system("cannot create the server's log"))?
                .into(),
            None => Stdio::inherit(),
        };
        let mut child = self
            .command
            .args(["--listen", &self.address.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .map_err(ServerError::system("cannot start the server"))?;
        let output = lines_of(child.stdout.take());
        let process = ChildGuard(child);
        let (data_dir, log) = (self.data_dir, self.log);
        let scheme = "http".to_owned();
        let mut server = Server { process, output, scheme, address: self.address, data_dir, log };
        (server.scheme, server.address) = server.wait_for_url()?;
        Ok(server)
    }
}

/// A running server. It is killed when it is dropped.
#[derive(Debug)]
pub struct Server {
    process: ChildGuard,
    /// The lines of standard output. The channel is closed when the server has ended.
    output: Receiver<String>,
    /// `https` if the server ends TLS itself.
    scheme: String,
    address: SocketAddr,
    data_dir: PathBuf,
    log: Option<PathBuf>,
}

/// How a server ended.
#[derive(Debug)]
pub struct Exit {
    /// The exit code or the signal.
    pub status: ExitStatus,
    /// What the server printed to standard output after the line with its address.
    pub stdout: String,
}

impl Server {
    /// The address that the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// The content of a file in the data directory, such as `demo-api-key`, without white space
    /// around it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn secret(&self, name: &str) -> Result<String, ServerError> {
        let file = self.data_dir.join(name);
        let secret = fs::read_to_string(&file)
            .map_err(ServerError::system(format!("cannot read {}", file.display())))?;
        Ok(secret.trim().to_owned())
    }

    /// Sends a signal to the server.
    ///
    /// # Errors
    /// When the server has ended.
    pub fn signal(&self, signal: Signal) -> Result<(), ServerError> {
        kill_process(Pid::from_child(&self.process.0), signal)
            .map_err(|error| ServerError::system("cannot send a signal")(error.into()))
    }

    /// Waits until the server has ended by itself or by a signal.
    ///
    /// # Errors
    /// When the server is still running after 15 seconds.
    pub fn wait(mut self) -> Result<Exit, ServerError> {
        let deadline = Instant::now() + STOP_TIMEOUT;
        let mut stdout = String::new();
        loop {
            match self.next_line(deadline) {
                Ok(line) => stdout.extend([line.as_str(), "\n"]),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => return Err(self.failed("did not stop in time")),
            }
        }
        let status =
            self.process.0.wait().map_err(ServerError::system("cannot wait for the server"))?;
        Ok(Exit { status, stdout })
    }

    /// Stops the server with SIGTERM, and returns what it printed to standard output after the line
    /// with its address.
    ///
    /// # Errors
    /// When the server is still running after 15 seconds, or ends with another exit code than 0.
    pub fn stop(self) -> Result<String, ServerError> {
        self.signal(Signal::TERM)?;
        let log = self.log.clone();
        let Exit { status, stdout } = self.wait()?;
        if status.success() {
            Ok(stdout)
        } else {
            Err(ServerError::failed(format!("ended with {status}"), log.as_deref()))
        }
    }

    /// Kills the server with SIGKILL and waits until it has ended.
    pub fn kill(self) {
        drop(self);
    }

    fn wait_for_url(&self) -> Result<(String, SocketAddr), ServerError> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let line = self.next_line(deadline).map_err(|_| self.failed("did not listen"))?;
            if let Some(url) = line.strip_prefix(LISTENS) {
                let malformed = || self.failed("printed a malformed address");
                let (scheme, address) = url.split_once("://").ok_or_else(malformed)?;
                return Ok((scheme.to_owned(), address.parse().map_err(|_| malformed())?));
            }
        }
    }

    fn next_line(&self, deadline: Instant) -> Result<String, RecvTimeoutError> {
        self.output.recv_timeout(deadline.saturating_duration_since(Instant::now()))
    }

    fn failed(&self, what: &str) -> ServerError {
        ServerError::failed(what.to_owned(), self.log.as_deref())
    }
}

/// Reads the output on a thread, so that the server never waits for its reader.
fn lines_of(stdout: Option<ChildStdout>) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let lines = stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines());
        // Sending fails once the server is dropped; then it is killed, and this loop ends.
        lines.map_while(Result::ok).for_each(|line| drop(sender.send(line)));
    });
    receiver
}

/// Why a server did not start or stop.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The server did not do what it should.
    #[error("the server {what}{log}")]
    Failed {
        /// What went wrong.
        what: String,
        /// The end of the log, with an introduction; empty if the log is not in a file.
        log: String,
    },
    /// The operating system refused an operation.
    #[error("{what}: {source}")]
    System {
        /// The operation.
        what: String,
        /// The reason.
        source: io::Error,
    },
}

impl ServerError {
    fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what: what.into(), source }
    }

    fn failed(what: String, log: Option<&Path>) -> Self {
        let text = log.map(|file| fs::read_to_string(file).unwrap_or_default());
        let quoted = |text: String| {
            let lines: Vec<&str> = text.lines().collect();
            let first = lines.len().saturating_sub(QUOTED_LINES);
            format!("; its log ends:\n{}", lines.get(first..).unwrap_or_default().join("\n"))
        };
        Self::Failed { what, log: text.map(quoted).unwrap_or_default() }
    }
}
