//! The data directory: its lock, and the secrets in it (§13).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use domain::Randomness;
use domain::secret_key::SecretKey;
use domain::text::without_byte_order_mark;

use super::start_error::StartError;

/// Modes that give access to the server's account only.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;

/// The data directory of a server or of a command.
pub(crate) struct DataDirectory {
    path: PathBuf,
    /// The lock of a directory with embedded databases. It excludes other servers.
    _lock: Option<File>,
}

impl DataDirectory {
    /// The directory without its lock. It need not exist.
    pub(crate) fn unlocked(path: &Path) -> Self {
        Self { path: path.to_owned(), _lock: None }
    }

    /// Creates the directory if it is missing, for any number of servers.
    pub(super) fn create(path: &Path) -> Result<Self, StartError> {
        create_folder(path)?;
        Ok(Self { path: path.to_owned(), _lock: None })
    }

    /// Locks a directory that contains embedded databases.
    pub(super) fn lock_existing(path: &Path) -> Result<Self, StartError> {
        for file in ["connect.sqlite3", "tpas.sqlite3"] {
            let file = path.join(file);
            fs::metadata(&file).map_err(|source| StartError::file(&file, source))?;
        }
        Self::lock(path)
    }

    /// Creates the directory if it is missing, and locks it until the result is dropped.
    pub(super) fn lock(path: &Path) -> Result<Self, StartError> {
        create_folder(path)?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(PRIVATE_FILE)
            .open(&lock_path);
        let lock = lock.map_err(|source| StartError::file(&lock_path, source))?;
        // The operating system releases the lock when the process ends, even after a crash.
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: Some(lock) }),
            Err(TryLockError::WouldBlock) => Err(StartError::DirectoryInUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(StartError::file(&lock_path, source)),
        }
    }

    /// The path of a secret's file.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads a secret of 32 bytes in hexadecimal digits. If it is missing, it is generated with
    /// `randomness`, or the result is `None`.
    pub(crate) fn secret(
        &self,
        name: &str,
        randomness: Option<&dyn Randomness>,
    ) -> Result<Option<SecretKey>, StartError> {
        let path = self.path_of(name);
        let generated = randomness.map(|randomness| SecretKey::random(randomness).to_hex());
        let Some(text) =
            read_or_create(&path, generated).map_err(|source| StartError::file(&path, source))?
        else {
            return Ok(None);
        };
        SecretKey::from_hex(&text).map(Some).ok_or(StartError::MalformedSecret(path))
    }

    /// The demo's API key, if an earlier start has written it.
    pub(super) fn demo_api_key(&self) -> Option<String> {
        let text = fs::read_to_string(self.path.join("demo-api-key")).ok()?;
        Some(content_of(&text))
    }

    /// Writes the demo's API key to a file, so that its owner can find it again.
    pub(super) fn write_demo_api_key(&self, api_key: &str) -> Result<(), StartError> {
        let path = self.path.join("demo-api-key");
        write_private(&path, api_key).map_err(|source| StartError::file(&path, source))
    }
}

/// What a file holds, without what an editor may have added.
fn content_of(text: &str) -> String {
    without_byte_order_mark(text).trim().to_owned()
}

/// Reads a file. If it is missing, it is created with this content.
fn read_or_create(path: &Path, content: Option<String>) -> io::Result<Option<String>> {
    match (fs::read_to_string(path), content) {
        (Err(error), Some(text)) if error.kind() == io::ErrorKind::NotFound => {
            create_private(path, &text)?;
            // Another server may have created the file first; then its content is valid.
            fs::read_to_string(path).map(|text| Some(content_of(&text)))
        }
        (Err(error), None) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        (text, _) => text.map(|text| Some(content_of(&text))),
    }
}

/// Creates the directory if it is missing.
pub(super) fn create_folder(path: &Path) -> Result<(), StartError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_FOLDER)
        .create(path)
        .map_err(|source| StartError::file(path, source))
}

/// Creates the file, unless it exists.
fn create_private(path: &Path, text: &str) -> io::Result<()> {
    let draft = write_draft(path, text)?;
    let linked = match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    };
    fs::remove_file(&draft)?;
    linked?;
    sync_folder(path)
}

/// Creates or replaces the file.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    fs::rename(write_draft(path, text)?, path)?;
    sync_folder(path)
}

/// Writes the text to a temporary file in the same directory. Renaming or linking that file makes
/// the write atomic: a key that a crash truncated would be lost.
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
