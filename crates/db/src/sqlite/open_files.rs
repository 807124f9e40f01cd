//! The files of an open database, and whether they are still those at their paths.
//!
//! A process can write to a file after it was deleted or moved, and what it writes is lost. So the
//! writer looks before it acknowledges; that costs a few microseconds for a whole batch.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::inspect::file_beside;
use crate::StoreError;
use crate::error::UnavailableReason;

/// The database and its log, with their numbers in the file system.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenFiles(Vec<(PathBuf, (u64, u64))>);

impl OpenFiles {
    /// The files of the database at this path, which has just been opened.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut files = vec![(path.to_owned(), number(path)?)];
        let log = file_beside(path, "-wal");
        if log.exists() {
            let number = number(&log)?;
            files.push((log, number));
        }
        Ok(Self(files))
    }

    /// Checks that the files are still at their paths.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        for (path, opened) in &self.0 {
            if number(path).ok().as_ref() != Some(opened) {
                return Err(StoreError::unavailable(
                    UnavailableReason::Unreachable,
                    format!(
                        "{} was deleted, moved or replaced while this server had it open; stop the \
                         server, then put the files back or restore a backup",
                        path.display()
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// The device and the inode.
fn number(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_deleted_or_replaced_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, log) = (folder.path().join("a.sqlite3"), folder.path().join("a.sqlite3-wal"));
        let moved = folder.path().join("moved");
        for file in [&path, &log] {
            fs::write(file, "").unwrap();
        }
        let files = OpenFiles::of(&path).unwrap();
        files.check().unwrap();
        for file in [&path, &log] {
            fs::rename(file, &moved).unwrap();
            assert!(files.check().is_err(), "moved: {}", file.display());
            fs::write(file, "").unwrap();
            assert!(files.check().is_err(), "replaced: {}", file.display());
            fs::rename(&moved, file).unwrap();
            files.check().unwrap();
        }
    }
}
