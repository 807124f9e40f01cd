//! Room on the disk, and for open files.

use std::path::Path;

use domain::Environment;
use rustix::fs::statvfs;
use rustix::process::{Resource, getrlimit};

use super::Finding;
use super::files::nearest;
use crate::config::Config;
use crate::lifecycle::CONNECTIONS;

pub(super) const DISK: &str = "disk";
const OPEN_FILES: &str = "open-files";

const MEBIBYTE: u64 = 1024 * 1024;

/// Less than this is soon gone.
const SCARCE: u64 = 1024 * MEBIBYTE;

/// Less than this is as good as nothing: a log that waits to be moved into its database can be as
/// large.
const NOTHING: u64 = 100 * MEBIBYTE;

/// Files that a server has open without any caller: databases, connections to them, and the
/// program's own. In round numbers.
const OWN_FILES: u64 = 100;

/// A sandbox is not for crowds: with fewer callers at once than this it is in trouble, too.
const FEW_CALLERS: u64 = 400;

pub(super) fn look(config: &Config) -> Vec<Finding> {
    vec![disk(config), open_files(config.environment, getrlimit(Resource::Nofile).current)]
}

fn disk(config: &Config) -> Finding {
    let folder = nearest(&config.data_dir);
    let is_shared =
        config.workspace_location().is_shared() && config.challenge_location().is_shared();
    match statvfs(folder) {
        Ok(found) => {
            // A file system that does not count files says that there are none at all.
            let has_files = found.f_files == 0 || found.f_favail > 0;
            judge_disk(folder, found.f_bavail.saturating_mul(found.f_frsize), has_files, is_shared)
        }
        Err(error) => Finding::warning(
            DISK,
            format!("the disk of {} cannot be asked for its room: {error}", folder.display()),
            "see whether the folder can be read; --data-dir names it",
        ),
    }
}

/// Where all tables are on PostgreSQL, this disk holds only secrets, which are written once.
fn judge_disk(folder: &Path, free: u64, has_files: bool, is_shared: bool) -> Finding {
    let folder = folder.display();
    let mend = "make room on this disk, or move the data directory to a larger one";
    if !has_files {
        return Finding::failed(
            DISK,
            format!("the disk of {folder} takes no more files, whatever their size"),
            mend,
        );
    }
    let text = format!("{} MiB are free on the disk of {folder}", free / MEBIBYTE);
    match free {
        SCARCE.. => Finding::good(DISK, text),
        NOTHING.. if is_shared => Finding::good(DISK, text),
        0..NOTHING if !is_shared => Finding::failed(DISK, text, mend),
        _ => Finding::warning(DISK, text, mend),
    }
}

/// The limit of whoever asks. A server that another program starts may have another one.
fn open_files(environment: Environment, limit: Option<u64>) -> Finding {
    let callers = match limit {
        None => u64::MAX,
        Some(limit) => limit.saturating_sub(OWN_FILES),
    };
    let most = u64::try_from(CONNECTIONS).unwrap_or(u64::MAX);
    let wanted = match environment {
        Environment::Sandbox => FEW_CALLERS,
        Environment::Production => most,
    };
    let limit = limit.map_or_else(|| "any number of".to_owned(), |limit| limit.to_string());
    let text = format!("{limit} open files, enough for {} callers at once", callers.min(most));
    if callers >= wanted {
        return Finding::good(OPEN_FILES, text);
    }
    let mend = format!(
        "raise the limit to {} where the server is started: `ulimit -n`, or LimitNOFILE= for systemd",
        wanted + OWN_FILES
    );
    Finding::warning(OPEN_FILES, text, mend)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict::{self, Failed, Ok, Warning};

    #[test]
    fn a_disk_is_judged_by_what_is_still_to_be_written() {
        let verdict = |mebibytes: u64, is_shared| {
            judge_disk(Path::new("data"), mebibytes * MEBIBYTE, true, is_shared).verdict
        };
        for (free, alone, shared) in [
            (2048, Ok, Ok),
            (1024, Ok, Ok),
            (1023, Warning, Ok),
            (100, Warning, Ok),
            (99, Failed, Warning),
            (0, Failed, Warning),
        ] {
            assert_eq!((verdict(free, false), verdict(free, true)), (alone, shared), "{free} MiB");
        }
        assert_eq!(
            judge_disk(Path::new("data"), SCARCE, false, true).verdict,
            Failed,
            "no more files"
        );
    }

    #[test]
    fn production_needs_a_file_for_each_caller_and_a_sandbox_for_some() {
        let verdict = |environment, limit| -> Verdict { open_files(environment, limit).verdict };
        for (limit, sandbox, production) in [
            (None, Ok, Ok),
            (Some(16_484), Ok, Ok),
            (Some(16_483), Ok, Warning),
            (Some(1024), Ok, Warning),
            (Some(256), Warning, Warning),
            (Some(0), Warning, Warning),
        ] {
            assert_eq!(verdict(Environment::Sandbox, limit), sandbox, "{limit:?}");
            assert_eq!(verdict(Environment::Production, limit), production, "{limit:?}");
        }
        assert!(open_files(Environment::Production, Some(1024)).mend.unwrap().contains("16484"));
    }
}
