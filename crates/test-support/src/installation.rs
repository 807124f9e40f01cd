//! PostgreSQL's programs: where they are, and which account runs them.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::ClusterError;

/// An installation of PostgreSQL.
#[derive(Clone, Debug)]
pub(crate) struct Installation {
    folder: PathBuf,
    /// The account of Debian's package, if this process runs as root: PostgreSQL refuses to.
    account: Option<Account>,
}

/// A Unix account, by its numeric ids.
#[derive(Clone, Copy, Debug)]
struct Account {
    user: u32,
    group: u32,
}

/// Whether PostgreSQL, openssl and PgBouncer, which the tests need, are installed.
#[must_use]
pub fn postgres_is_installed() -> bool {
    Installation::find().is_ok() && on_path("openssl").is_some() && pgbouncer().is_some()
}

/// Debian installs PgBouncer where only root's `PATH` looks.
fn pgbouncer() -> Option<PathBuf> {
    let folder = on_path("pgbouncer").unwrap_or_else(|| PathBuf::from("/usr/sbin"));
    Some(folder.join("pgbouncer")).filter(|program| program.is_file())
}

impl Installation {
    /// Finds the newest version of Debian's packages, or else the one on the `PATH`.
    pub(crate) fn find() -> Result<Self, ClusterError> {
        let folder = newest_debian_package()
            .or_else(|| on_path("initdb"))
            .ok_or(ClusterError::Missing("initdb"))?;
        if id(&["-u"])? != 0 {
            return Ok(Self { folder, account: None });
        }
        let account = Account { user: id(&["-u", "postgres"])?, group: id(&["-g", "postgres"])? };
        Ok(Self { folder, account: Some(account) })
    }

    /// The path of a program.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A command that runs a program as the right account.
    pub(crate) fn command(&self, name: &str) -> Command {
        self.command_at(&self.path(name))
    }

    /// A command that runs the program at this path as the right account.
    pub(crate) fn command_at(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).current_dir("/");
        if let Some(Account { user, group }) = self.account {
            command.uid(user).gid(group);
        }
        command
    }

    /// The path of PgBouncer.
    pub(crate) fn pgbouncer(&self) -> Result<PathBuf, ClusterError> {
        pgbouncer().ok_or(ClusterError::Missing("pgbouncer"))
    }

    /// Gives a file or folder to the account that runs the programs.
    pub(crate) fn chown(&self, path: &Path) -> Result<(), ClusterError> {
        let Some(Account { user, group }) = self.account else { return Ok(()) };
        let failed = ClusterError::system(format!("cannot change the owner of {}", path.display()));
        std::os::unix::fs::chown(path, Some(user), Some(group)).map_err(failed)
    }
}

/// Runs a command, and returns what it printed to standard output.
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

fn newest_debian_package() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(|entry| {
        let version = entry.ok()?.path();
        let number: u32 = version.file_name()?.to_str()?.parse().ok()?;
        let folder = version.join("bin");
        folder.join("initdb").is_file().then_some((number, folder))
    });
    folders.max().map(|(_, folder)| folder)
}

/// The first folder of the `PATH` with this program.
fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| folder.join(program).is_file())
}

fn id(arguments: &[&str]) -> Result<u32, ClusterError> {
    let printed = run(Command::new("id").args(arguments))?;
    let malformed = |_| ClusterError::Failed { program: "id".into(), output: printed.clone() };
    printed.trim().parse().map_err(malformed)
}
