//! PostgreSQL's own programs: where they are, and in whose name they run.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::ClusterError;

/// The programs of one installation.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
    /// PostgreSQL refuses to run as root; then it runs as the user that its package has made.
    account: Option<Account>,
}

#[derive(Clone, Copy, Debug)]
struct Account {
    user: u32,
    group: u32,
}

/// Whether everything that [`crate::Cluster::start`] needs is installed.
#[must_use]
pub fn are_installed() -> bool {
    Programs::find().is_ok() && on_path("openssl").is_some()
}

impl Programs {
    pub(crate) fn find() -> Result<Self, ClusterError> {
        let folder = newest_of_debian()
            .or_else(|| on_path("initdb"))
            .ok_or(ClusterError::Missing("initdb"))?;
        if id(&["-u"])? != 0 {
            return Ok(Self { folder, account: None });
        }
        let account = Account { user: id(&["-u", "postgres"])?, group: id(&["-g", "postgres"])? };
        Ok(Self { folder, account: Some(account) })
    }

    /// Where one of the programs is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// One of the programs, as the right user.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.path(name));
        command.stdin(Stdio::null()).current_dir("/");
        if let Some(Account { user, group }) = self.account {
            command.uid(user).gid(group);
        }
        command
    }

    /// Gives a file or folder to the user that the programs run as.
    pub(crate) fn hand_over(&self, path: &Path) -> Result<(), ClusterError> {
        let Some(Account { user, group }) = self.account else { return Ok(()) };
        let failed = ClusterError::system(format!("cannot hand over {}", path.display()));
        std::os::unix::fs::chown(path, Some(user), Some(group)).map_err(failed)
    }
}

/// Runs a command to its end; what it has printed.
pub(crate) fn run(command: &mut Command) -> Result<String, ClusterError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let Output { status, stdout, stderr } =
        command.output().map_err(ClusterError::system(format!("cannot run {program}")))?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    let output = format!(
        "{status}\n{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    Err(ClusterError::Failed { program, output })
}

fn newest_of_debian() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(|entry| {
        let version = entry.ok()?.path();
        let number: u32 = version.file_name()?.to_str()?.parse().ok()?;
        let folder = version.join("bin");
        folder.join("initdb").is_file().then_some((number, folder))
    });
    folders.max().map(|(_, folder)| folder)
}

/// The folder in which the `PATH` finds a program.
fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| folder.join(program).is_file())
}

fn id(arguments: &[&str]) -> Result<u32, ClusterError> {
    let printed = run(Command::new("id").args(arguments))?;
    let malformed = |_| ClusterError::Failed { program: "id".into(), output: printed.clone() };
    printed.trim().parse().map_err(malformed)
}
