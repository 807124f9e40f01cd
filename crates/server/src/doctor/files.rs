//! The checks `data-directory` and `permissions`.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::process::geteuid;

use super::finding::{CheckStatus, Finding};
use crate::config::Config;

pub(super) const FOLDER: &str = "data-directory";
const PERMISSIONS: &str = "permissions";

/// The files that only the server's account may read.
const PRIVATE: [&str; 9] = [
    "connect.sqlite3",
    "connect.sqlite3-wal",
    "connect.sqlite3-shm",
    "tpas.sqlite3",
    "tpas.sqlite3-wal",
    "tpas.sqlite3-shm",
    "secret-key",
    "verification-secret",
    "demo-api-key",
];

/// Bits of a mode: reading and writing of a file, and searching of a folder, by the group and by
/// others.
const GROUP: u32 = 0o060;
const OTHERS: u32 = 0o006;
const GROUP_SEARCH: u32 = 0o010;
const OTHERS_SEARCH: u32 = 0o001;

pub(super) fn check(config: &Config, config_file: Option<&Path>) -> Vec<Finding> {
    vec![folder(&config.data_dir), permissions(&config.data_dir, config_file)]
}

/// The folder itself, or its closest ancestor that exists.
pub(super) fn nearest(path: &Path) -> &Path {
    let existing =
        path.ancestors().find(|folder| !folder.as_os_str().is_empty() && folder.exists());
    existing.unwrap_or(Path::new("."))
}

fn folder(path: &Path) -> Finding {
    let name = path.display();
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return missing(path),
        Err(error) => {
            let fix = "run this as the account that the server runs as, or correct --data-dir";
            return Finding::failed(FOLDER, format!("{name} cannot be looked at: {error}"), fix);
        }
        Ok(metadata) => metadata,
    };
    if !metadata.is_dir() {
        return Finding::failed(
            FOLDER,
            format!("{name} is not a folder"),
            "name a folder with --data-dir",
        );
    }
    if let Err(error) = access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
        let text = format!("{name} cannot be used by this account: {error}");
        return Finding::failed(
            FOLDER,
            text,
            "run this as the account that the server runs as, or give the folder to it",
        );
    }
    if geteuid().is_root() && metadata.uid() != 0 {
        let text = format!(
            "{name} belongs to the account {}, and root may do what that one may not",
            metadata.uid()
        );
        let fix = format!(
            "run this as the account that the server runs as: `sudo -u '#{}' fieldtest doctor`",
            metadata.uid()
        );
        return Finding::warning(FOLDER, text, fix);
    }
    Finding::good(FOLDER, format!("{name} can be used"))
}

fn missing(path: &Path) -> Finding {
    let (name, above) = (path.display(), nearest(path));
    match access(above, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => {
            Finding::good(FOLDER, format!("{name} is not there yet; the first start makes it"))
        }
        Err(error) => Finding::failed(
            FOLDER,
            format!("{name} is not there, and cannot be made in {}: {error}", above.display()),
            "make it and give it to the account that the server runs as, or name another with \
             --data-dir",
        ),
    }
}

/// A file or folder whose mode is too open.
struct Exposed {
    status: CheckStatus,
    path: PathBuf,
    mode: u32,
    proper_mode: &'static str,
}

fn permissions(folder: &Path, config_file: Option<&Path>) -> Finding {
    let Ok(metadata) = fs::metadata(folder) else {
        return summarise(
            config_file
                .and_then(|file| exposed(file, OTHERS_SEARCH | GROUP_SEARCH))
                .into_iter()
                .collect(),
        );
    };
    let mode = mode_of(&metadata);
    let mut all = Vec::new();
    if metadata.is_dir() && mode & 0o077 != 0 {
        all.push(Exposed {
            status: CheckStatus::Warning,
            path: folder.to_owned(),
            mode,
            proper_mode: "700",
        });
    }
    all.extend(PRIVATE.iter().filter_map(|name| exposed(&folder.join(name), mode)));
    all.extend(config_file.and_then(|file| exposed(file, OTHERS_SEARCH | GROUP_SEARCH)));
    summarise(all)
}

/// A private file whose mode is too open, in a folder with this mode.
fn exposed(path: &Path, folder_mode: u32) -> Option<Exposed> {
    let metadata = fs::metadata(path).ok().filter(Metadata::is_file)?;
    let mode = mode_of(&metadata);
    let status = exposure(mode, folder_mode)?;
    Some(Exposed { status, path: path.to_owned(), mode, proper_mode: "600" })
}

/// Failed if every account can read or write the file; a warning if only its group can, or if the
/// folder prevents it.
fn exposure(mode: u32, folder_mode: u32) -> Option<CheckStatus> {
    match (mode & OTHERS != 0, mode & GROUP != 0) {
        (true, _) if folder_mode & OTHERS_SEARCH != 0 => Some(CheckStatus::Failed),
        (false, false) => None,
        _ => Some(CheckStatus::Warning),
    }
}

fn mode_of(metadata: &Metadata) -> u32 {
    metadata.mode() & 0o7777
}

fn summarise(all: Vec<Exposed>) -> Finding {
    let Some(worst) = all.iter().map(|one| one.status).max() else {
        return Finding::good(PERMISSIONS, "what is private can be read by its owner only");
    };
    let who = if worst == CheckStatus::Failed {
        "anybody on this machine can get at"
    } else {
        "not its owner's alone:"
    };
    let listed: Vec<String> =
        all.iter().map(|one| format!("{} ({:04o})", one.path.display(), one.mode)).collect();
    let text = format!("{who} {}", listed.join(", "));
    let commands: Vec<String> =
        all.iter().map(|one| format!("chmod {} {}", one.proper_mode, quoted(&one.path))).collect();
    let fix = commands.join(" && ");
    match worst {
        CheckStatus::Failed => Finding::failed(
            PERMISSIONS,
            text,
            format!("{fix}; what was readable may have been read"),
        ),
        CheckStatus::Warning | CheckStatus::Ok => Finding::warning(PERMISSIONS, text, fix),
    }
}

/// The path, quoted for a shell if necessary.
pub(super) fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = path.chars().all(|part| part.is_ascii_alphanumeric() || "/._-".contains(part));
    if is_plain { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modes_of_a_file_and_its_folder_decide_its_exposure() {
        for (file, folder, status) in [
            (0o600, 0o755, None),
            (0o400, 0o777, None),
            (0o700, 0o755, None),
            (0o640, 0o750, Some(CheckStatus::Warning)),
            (0o644, 0o700, Some(CheckStatus::Warning)),
            (0o644, 0o750, Some(CheckStatus::Warning)),
            (0o644, 0o755, Some(CheckStatus::Failed)),
            (0o602, 0o711, Some(CheckStatus::Failed)),
        ] {
            assert_eq!(exposure(file, folder), status, "{file:o} in {folder:o}");
        }
    }

    #[test]
    fn a_path_is_quoted_for_a_shell() {
        assert_eq!(quoted(Path::new("./data/secret-key")), "./data/secret-key");
        assert_eq!(quoted(Path::new("it's here")), r"'it'\''s here'");
    }
}
