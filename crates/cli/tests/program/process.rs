//! A process of the real program.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use client::WorkspaceApi;

const PROGRAM: &str = env!("CARGO_BIN_EXE_fieldtest");

/// Runs a command to its end, without the environment of whoever runs the tests.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).env_clear().stdin(Stdio::null()).output().unwrap()
}

/// What a command that must succeed has printed.
#[track_caller]
pub(crate) fn succeed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command that must end with this code has complained of.
#[track_caller]
pub(crate) fn fail(code: i32, arguments: &[&str]) -> String {
    let output = run(arguments);
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {complaint}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    complaint
}

/// A server in a process of its own. Killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
}

const ANY_PORT: &str = "127.0.0.1:0";

impl Process {
    pub(crate) fn serve(data_dir: &Path, more: &[&str]) -> Self {
        Self::start(
            data_dir,
            ANY_PORT,
            &[&["--log-level", "warn"], more].concat(),
            Stdio::inherit(),
        )
    }

    /// Stops in good order, and starts again on the same data and at the same address.
    pub(crate) fn restart(self, data_dir: &Path) -> Self {
        let address = self.url.trim_start_matches("http://").to_owned();
        self.signal("TERM");
        assert_eq!(self.end().0, Some(0));
        Self::start(data_dir, &address, &["--log-level", "warn"], Stdio::inherit())
    }

    /// A server that logs everything there is to log into a file.
    pub(crate) fn serve_and_log(data_dir: &Path, log: &Path, more: &[&str]) -> Self {
        let log = std::fs::File::create(log).unwrap();
        Self::start(data_dir, ANY_PORT, &[&["--log-level", "trace"], more].concat(), log.into())
    }

    fn start(data_dir: &Path, listen: &str, more: &[&str], log: Stdio) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--listen", listen, "--rate-limit", "off", "--data-dir"])
            .arg(data_dir)
            .args(more)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line
            .trim()
            .strip_prefix("fieldtest listens on ")
            .expect("a server says where it listens")
            .to_owned();
        Self { child, stdout, url }
    }

    /// The Workspace API, with the demo's key.
    pub(crate) fn api(&self, data_dir: &Path) -> WorkspaceApi {
        let key = std::fs::read_to_string(data_dir.join("demo-api-key")).unwrap();
        WorkspaceApi::new(&self.url, key.trim()).unwrap()
    }

    /// `kill -9`, and waits for the end.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end; its exit code and the rest of what it has printed.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (code, rest)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
