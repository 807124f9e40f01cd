use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use db::{CopyError, OpenError, StoreError};
use domain::Environment;
use domain::catalogue::CatalogueError;

/// Why a server did not start. Each says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file or folder cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Another server runs on the same data directory.
    #[error("another fieldtest server is running on {}; stop it first, or give this one another --data-dir", .0.display())]
    DirectoryInUse(PathBuf),
    /// A secret's file has been changed.
    #[error("{} does not hold 64 hexadecimal digits; restore it from a backup (docs/operations.md, The secrets, says what to do if \
        there is none)", .0.display())]
    MalformedSecret(PathBuf),
    /// The database is another kind of deployment's.
    #[error(
        "{database} belongs to a {kept} deployment, and this one is to be {asked}; say --environment {kept}, or give this one another --data-dir or --database-url"
    )]
    OtherEnvironment {
        /// The file, or host, database and schema.
        database: String,
        /// What it was first used for.
        kept: String,
        /// What was asked for now.
        asked: Environment,
    },
    /// This process's secret is not the one that the deployment was begun with.
    #[error(
        "{name} is not the one with which {database} was begun, so this server would not recognise testers or verifiers; \
        give it the {name} of the servers that run (docs/operations.md, The secrets)"
    )]
    OtherSecret {
        /// The file in the data directory, which is also the option.
        name: &'static str,
        /// The file, or host, database and schema.
        database: String,
    },
    /// The deployment has a secret that this process does not have.
    #[error("{} is missing: {database} was begun with one; restore it, copy it from a server that runs, or give it as an option \
        (docs/operations.md, The secrets)", path.display())]
    MissingSecret {
        /// The file that should be there.
        path: PathBuf,
        /// The file, or host, database and schema.
        database: String,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database was opened, but does not work.
    #[error("the database does not work: {0}")]
    Store(#[from] StoreError),
    /// The embedded databases cannot be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The operator's provider catalogue is not valid.
    #[error("the provider catalogue {} is not valid: {source}", path.display())]
    Catalogue {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        source: CatalogueError,
    },
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// Options that do not go together.
    #[error("{0}")]
    Options(&'static str),
    /// The challenge service's address is no URL.
    #[error("cannot use the challenge service at {url}: {reason}; check --tpas-url")]
    ChallengeServiceHandle {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl StartError {
    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }
}
