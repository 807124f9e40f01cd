//! Runs commands of the real program.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use test_support::ChildGuard;

/// The path of the program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_fieldtest");

/// The exit code and the output of a command.
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<std::process::Output> for Output {
    fn from(output: std::process::Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs a command without environment variables.
pub(crate) fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().stdin(Stdio::null()).output().unwrap().into()
}

/// Runs a command that must succeed, and returns its standard output.
#[track_caller]
pub(crate) fn succeed(arguments: &[&str]) -> String {
    let Output { code, stdout, stderr } = run(arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {stderr}");
    stdout
}

/// Runs a command that must end with this exit code and print nothing, and returns its error.
#[track_caller]
pub(crate) fn fail(code: i32, arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(
        (output.code, &*output.stdout),
        (Some(code), ""),
        "{arguments:?}: {}",
        output.stderr
    );
    output.stderr
}

/// A command that is still running.
pub(crate) struct Running(ChildGuard);

impl Running {
    /// The lines of standard output, as they are printed.
    pub(crate) fn lines(&mut self) -> Lines<BufReader<ChildStdout>> {
        BufReader::new(self.0.0.stdout.take().unwrap()).lines()
    }

    /// Waits until the command ends, and returns its exit code.
    pub(crate) fn code(mut self) -> Option<i32> {
        self.0.0.wait().unwrap().code()
    }
}

/// The program in a temporary working folder, where its data directory is `data` by default.
pub(crate) struct Program {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Adds an environment variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// A command with these arguments, separated by single spaces, and with no other environment
    /// variables.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments.split(' '))
            .env_clear()
            .envs(self.variables.iter().cloned())
            .current_dir(self.folder());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command.
    pub(crate) fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap().into()
    }

    /// Starts a command whose output is read while it runs.
    pub(crate) fn start(&self, arguments: &str) -> Running {
        let mut command = self.command(arguments);
        Running(ChildGuard(command.stderr(Stdio::inherit()).spawn().unwrap()))
    }

    /// Runs a command that must succeed without a warning, and returns its standard output.
    #[track_caller]
    pub(crate) fn succeed(&self, arguments: &str) -> String {
        let Output { code, stdout, stderr } = self.run(arguments);
        assert_eq!((code, &*stderr), (Some(0), ""), "{arguments}");
        stdout
    }

    /// Runs a command that must end with this exit code and print nothing, and returns its error.
    #[track_caller]
    pub(crate) fn fail(&self, code: i32, arguments: &str) -> String {
        let output = self.run(arguments);
        let error = output.stderr;
        assert_eq!((output.code, &*output.stdout), (Some(code), ""), "{arguments}: {error}");
        assert!(error.starts_with("error: "), "{arguments}: {error}");
        error
    }

    /// The JSON output of `fieldtest admin` with these arguments.
    #[track_caller]
    pub(crate) fn admin(&self, arguments: &str) -> Vec<Value> {
        serde_json::from_str(&self.succeed(&format!("admin {arguments} --json"))).unwrap()
    }

    /// Creates a workspace, and returns its id.
    #[track_caller]
    pub(crate) fn workspace(&self) -> String {
        self.admin("workspace create --name Acme")[0]["id"].as_str().unwrap().to_owned()
    }
}
