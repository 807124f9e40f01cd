//! The data directory: who may use it, and the secrets that are generated into it (§13).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use domain::secret_key::SecretKey;
use domain::{Environment, Randomness};

use super::StartError;

/// Readable and writable by the operator's account only.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;

/// The data directory of a running server. No other server can have it until this one is dropped.
pub(super) struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory if it is missing, and takes it for this process.
    pub(super) fn take(path: &Path) -> Result<Self, StartError> {
        create_folder(path)?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(PRIVATE_FILE).open(&lock_path);
        let lock = lock.map_err(|source| StartError::file(&lock_path, source))?;
        // The operating system lets go of it when the process ends, however it ends.
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StartError::DirectoryInUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(StartError::file(&lock_path, source)),
        }
    }

    /// Makes sure that the directory is only ever used for one kind of deployment: a sandbox's simulator must never stand in
    /// front of real tests because an option was forgotten.
    pub(super) fn belongs_to(&self, environment: Environment) -> Result<(), StartError> {
        let kept = self.kept("environment", || environment.to_string())?;
        if kept == environment.as_str() {
            return Ok(());
        }
        Err(StartError::OtherEnvironment { path: self.path.clone(), kept, asked: environment })
    }

    /// The key from which the challenge service makes its tokens and hashes: made once, then kept.
    pub(super) fn secret_key(&self, randomness: &dyn Randomness) -> Result<SecretKey, StartError> {
        let text = self.kept("secret-key", || SecretKey::random(randomness).to_hex())?;
        let path = self.path.join("secret-key");
        SecretKey::from_hex(&text).ok_or_else(|| StartError::MalformedSecret(path))
    }

    /// The secret with which verifiers sign their events: made once, then kept.
    pub(super) fn verification_secret(&self, randomness: &dyn Randomness) -> Result<String, StartError> {
        let text = self.kept("verification-secret", || SecretKey::random(randomness).to_hex())?;
        let path = self.path.join("verification-secret");
        if SecretKey::from_hex(&text).is_some() { Ok(text) } else { Err(StartError::MalformedSecret(path)) }
    }

    /// Keeps the demo's API key where its owner can find it again.
    pub(super) fn keep_demo_api_key(&self, api_key: &str) -> Result<(), StartError> {
        let path = self.path.join("demo-api-key");
        write_private(&path, api_key).map_err(|source| StartError::file(&path, source))
    }

    /// What a file says; it is made if it is missing.
    fn kept(&self, name: &str, make: impl FnOnce() -> String) -> Result<String, StartError> {
        let path = self.path.join(name);
        let failed = |source| StartError::file(&path, source);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = make();
                write_private(&path, &text).map_err(failed)?;
                Ok(text)
            }
            Err(error) => Err(failed(error)),
        }
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

/// Whole or not at all: a key cut short by a crash would be a key lost.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(PRIVATE_FILE).open(&draft)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
