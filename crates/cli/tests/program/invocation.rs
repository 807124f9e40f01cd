//! The program, in a folder of its own.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder to run the program in; its data directory is `data` below it, unless something else is
/// asked for.
pub(crate) struct Program {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a run has left behind.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) printed: String,
    pub(crate) complaint: String,
}

impl Run {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            printed: String::from_utf8(output.stdout).unwrap(),
            complaint: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A run that goes on. Killed when it is dropped.
pub(crate) struct Running(Child);

impl Running {
    /// The lines that it prints, as they come.
    pub(crate) fn lines(&mut self) -> Lines<BufReader<ChildStdout>> {
        BufReader::new(self.0.stdout.take().unwrap()).lines()
    }

    /// Waits for the end; its exit code.
    pub(crate) fn code(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Program {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The same with an environment variable more.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// The program with these arguments, separated by single spaces, and with no other environment
    /// variables.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldtest"));
        command
            .args(arguments.split(' '))
            .env_clear()
            .envs(self.variables.iter().cloned())
            .current_dir(self.folder());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program with these arguments to its end.
    pub(crate) fn run(&self, arguments: &str) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    /// Starts the program with these arguments, so that it can be read while it runs.
    pub(crate) fn start(&self, arguments: &str) -> Running {
        Running(self.command(arguments).stderr(Stdio::inherit()).spawn().unwrap())
    }

    /// What a run that must succeed has printed.
    #[track_caller]
    pub(crate) fn print(&self, arguments: &str) -> String {
        let Run { code, printed, complaint } = self.run(arguments);
        assert_eq!((code, &*complaint), (Some(0), ""), "{arguments}");
        printed
    }

    /// What a run that must fail with this code has complained of.
    #[track_caller]
    pub(crate) fn complain(&self, code: i32, arguments: &str) -> String {
        let run = self.run(arguments);
        assert_eq!((run.code, &*run.printed), (Some(code), ""), "{arguments}: {}", run.complaint);
        assert!(run.complaint.starts_with("error: "), "{arguments}: {}", run.complaint);
        run.complaint
    }

    /// What `fieldtest admin` with these arguments has made or found.
    #[track_caller]
    pub(crate) fn admin(&self, arguments: &str) -> Vec<Value> {
        serde_json::from_str(&self.print(&format!("admin {arguments} --json"))).unwrap()
    }

    /// The id of a new workspace.
    #[track_caller]
    pub(crate) fn workspace(&self) -> String {
        self.admin("workspace create --name Acme")[0]["id"].as_str().unwrap().to_owned()
    }
}
