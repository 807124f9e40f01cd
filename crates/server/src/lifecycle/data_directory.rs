//! The data directory: who may use it, and the secrets that are generated into it (§13).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use domain::Randomness;
use domain::secret_key::SecretKey;

use super::StartError;

/// Readable and writable by the operator's account only.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;

/// The data directory, of a running server or of whoever looks at it.
pub(crate) struct DataDirectory {
    path: PathBuf,
    /// Held while embedded databases are in it: then no other server can have it.
    _lock: Option<File>,
}

impl DataDirectory {
    /// The directory as it is, if it is: for whoever only looks.
    pub(crate) fn unheld(path: &Path) -> Self {
        Self { path: path.to_owned(), _lock: None }
    }

    /// Makes the directory if it is missing, for any number of servers.
    pub(super) fn share(path: &Path) -> Result<Self, StartError> {
        create_folder(path)?;
        Ok(Self { path: path.to_owned(), _lock: None })
    }

    /// Takes a directory in which there are databases.
    pub(super) fn take_existing(path: &Path) -> Result<Self, StartError> {
        for file in ["connect.sqlite3", "tpas.sqlite3"] {
            let file = path.join(file);
            fs::metadata(&file).map_err(|source| StartError::file(&file, source))?;
        }
        Self::take(path)
    }

    /// Makes the directory if it is missing, and takes it for this process alone until the result
    /// is dropped.
    pub(super) fn take(path: &Path) -> Result<Self, StartError> {
        create_folder(path)?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(PRIVATE_FILE)
            .open(&lock_path);
        let lock = lock.map_err(|source| StartError::file(&lock_path, source))?;
        // The operating system lets go of it when the process ends, however it ends.
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: Some(lock) }),
            Err(TryLockError::WouldBlock) => Err(StartError::DirectoryInUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(StartError::file(&lock_path, source)),
        }
    }

    /// Where a secret is kept.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A secret of 32 bytes in hexadecimal digits; it is made if it is missing and may be made.
    pub(crate) fn secret(
        &self,
        name: &str,
        randomness: Option<&dyn Randomness>,
    ) -> Result<Option<SecretKey>, StartError> {
        let path = self.path_of(name);
        let make = randomness.map(|randomness| SecretKey::random(randomness).to_hex());
        let Some(text) = kept(&path, make).map_err(|source| StartError::file(&path, source))?
        else {
            return Ok(None);
        };
        SecretKey::from_hex(&text).map(Some).ok_or(StartError::MalformedSecret(path))
    }

    /// Keeps the demo's API key where its owner can find it again.
    pub(super) fn keep_demo_api_key(&self, api_key: &str) -> Result<(), StartError> {
        let path = self.path.join("demo-api-key");
        write_private(&path, api_key).map_err(|source| StartError::file(&path, source))
    }
}

/// What a file says; if it is missing, `make` is written into it.
fn kept(path: &Path, make: Option<String>) -> io::Result<Option<String>> {
    match (fs::read_to_string(path), make) {
        (Err(error), Some(text)) if error.kind() == io::ErrorKind::NotFound => {
            make_private(path, &text)?;
            // Another server may have been faster: what stands in the file counts.
            fs::read_to_string(path).map(|text| Some(text.trim().to_owned()))
        }
        (Err(error), None) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        (text, _) => text.map(|text| Some(text.trim().to_owned())),
    }
}

/// Makes the directory if it is missing.
pub(super) fn create_folder(path: &Path) -> Result<(), StartError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_FOLDER)
        .create(path)
        .map_err(|source| StartError::file(path, source))
}

/// Makes the file, unless it is there by now.
fn make_private(path: &Path, text: &str) -> io::Result<()> {
    let draft = write_draft(path, text)?;
    let linked = match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    };
    fs::remove_file(&draft)?;
    linked?;
    sync_folder(path)
}

/// Writes the file, whether it is there or not.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    fs::rename(write_draft(path, text)?, path)?;
    sync_folder(path)
}

/// The text in a file beside the one that it is for: whole or not at all, because a key cut short
/// by a crash would be a key lost.
fn write_draft(path: &Path, text: &str) -> io::Result<PathBuf> {
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(PRIVATE_FILE)
        .open(&draft)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    Ok(draft)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
