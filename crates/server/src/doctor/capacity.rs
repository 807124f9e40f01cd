//! The checks `disk` and `open-files`.

use std::path::Path;

use domain::Environment;
use rustix::fs::statvfs;
use rustix::process::{Resource, getrlimit};

use super::files::nearest;
use super::finding::Finding;
use crate::config::Config;
use crate::lifecycle::CONNECTIONS;

pub(super) const DISK: &str = "disk";
const OPEN_FILES: &str = "open-files";

const MEBIBYTE: u64 = 1024 * 1024;

/// Less free space than this is a warning.
const SCARCE: u64 = 1024 * MEBIBYTE;

/// Less free space than this is a failure: a write-ahead log can become that large.
const FULL: u64 = 100 * MEBIBYTE;

/// Files that a server has open without any connection from a client: databases, connections to
/// them, sockets. A round number.
const OWN_FILES: u64 = 100;

/// How many connections a sandbox needs at least.
const SANDBOX_CONNECTIONS: u64 = 400;

pub(super) fn check(config: &Config) -> Vec<Finding> {
    vec![disk(config), open_files(config.environment, getrlimit(Resource::Nofile).current)]
}

fn disk(config: &Config) -> Finding {
    let folder = nearest(&config.data_dir);
    let is_shared =
        config.workspace_location().is_shared() && config.challenge_location().is_shared();
    match statvfs(folder) {
        Ok(found) => {
            // A file system without a limit of files reports zero files.
            let has_files = found.f_files == 0 || found.f_favail > 0;
            disk_finding(
                folder,
                found.f_bavail.saturating_mul(found.f_frsize),
                has_files,
                is_shared,
            )
        }
        Err(error) => Finding::warning(
            DISK,
            format!("the free space on the disk of {} cannot be read: {error}", folder.display()),
            "see whether the folder can be read; --data-dir names it",
        ),
    }
}

/// If all tables are on PostgreSQL, this disk holds only secrets, which are written once.
fn disk_finding(folder: &Path, free: u64, has_files: bool, is_shared: bool) -> Finding {
    let folder = folder.display();
    let fix = "free space on this disk, or move the data directory to a larger one";
    if !has_files {
        return Finding::failed(
            DISK,
            format!("the disk of {folder} takes no more files, whatever their size"),
            fix,
        );
    }
    let text = format!("{} MiB are free on the disk of {folder}", free / MEBIBYTE);
    match free {
        SCARCE.. => Finding::good(DISK, text),
        FULL.. if is_shared => Finding::good(DISK, text),
        0..FULL if !is_shared => Finding::failed(DISK, text, fix),
        _ => Finding::warning(DISK, text, fix),
    }
}

/// The limit of this process. A server that another program starts may have a different limit.
fn open_files(environment: Environment, limit: Option<u64>) -> Finding {
    let callers = match limit {
        None => u64::MAX,
        Some(limit) => limit.saturating_sub(OWN_FILES),
    };
    let most = u64::try_from(CONNECTIONS).unwrap_or(u64::MAX);
    let wanted = match environment {
        Environment::Sandbox => SANDBOX_CONNECTIONS,
        Environment::Production => most,
    };
    let limit = limit.map_or_else(|| "any number of".to_owned(), |limit| limit.to_string());
    let text = format!("{limit} open files, enough for {} callers at once", callers.min(most));
    if callers >= wanted {
        return Finding::good(OPEN_FILES, text);
    }
    let fix = format!(
        "raise the limit to {} where the server is started: `ulimit -n`, or LimitNOFILE= for \
         systemd",
        wanted + OWN_FILES
    );
    Finding::warning(OPEN_FILES, text, fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::CheckStatus::{self, Failed, Ok, Warning};

    #[test]
    fn less_space_is_needed_where_tables_are_on_postgresql() {
        let status = |mebibytes: u64, is_shared| {
            disk_finding(Path::new("data"), mebibytes * MEBIBYTE, true, is_shared).status
        };
        for (free, alone, shared) in [
            (2048, Ok, Ok),
            (1024, Ok, Ok),
            (1023, Warning, Ok),
            (100, Warning, Ok),
            (99, Failed, Warning),
            (0, Failed, Warning),
        ] {
            assert_eq!((status(free, false), status(free, true)), (alone, shared), "{free} MiB");
        }
        assert_eq!(
            disk_finding(Path::new("data"), SCARCE, false, true).status,
            Failed,
            "no more files"
        );
    }

    #[test]
    fn production_needs_a_file_for_each_caller_and_a_sandbox_for_some() {
        let status = |environment, limit| -> CheckStatus { open_files(environment, limit).status };
        for (limit, sandbox, production) in [
            (None, Ok, Ok),
            (Some(16_484), Ok, Ok),
            (Some(16_483), Ok, Warning),
            (Some(1024), Ok, Warning),
            (Some(256), Warning, Warning),
            (Some(0), Warning, Warning),
        ] {
            assert_eq!(status(Environment::Sandbox, limit), sandbox, "{limit:?}");
            assert_eq!(status(Environment::Production, limit), production, "{limit:?}");
        }
        assert!(open_files(Environment::Production, Some(1024)).fix.unwrap().contains("16484"));
    }
}
