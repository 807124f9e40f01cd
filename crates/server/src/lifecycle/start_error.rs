//! Why a server did not start.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use challenge_service::VerifiersError;
use db::{CopyError, OpenError, StoreError};
use domain::Environment;
use domain::catalogue::CatalogueError;

use super::missing_database::REMEDY;
use crate::tls::TlsError;

/// Why a server did not start. Each message says how to fix it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file or folder cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another server runs on the same data directory.
    #[error(
        "another fieldtest server is running on {}; stop it first, or give this one another \
        --data-dir",
        .0.display()
    )]
    DirectoryInUse(PathBuf),
    /// A secret's file does not contain 64 hexadecimal digits.
    #[error(
        "{} does not hold 64 hexadecimal digits; restore it from a backup (docs/operations.md, \
        The secrets, says what to do if there is none)",
        .0.display()
    )]
    MalformedSecret(PathBuf),
    /// The certificate and the key of this server cannot be used.
    #[error(transparent)]
    ServerTls(#[from] TlsError),
    /// TLS cannot be set up for webhooks.
    #[error("cannot set up TLS for webhooks: {0}")]
    Tls(String),
    /// The verifiers' file is not valid.
    #[error("{}: {source}", path.display())]
    Verifiers {
        /// The file.
        path: PathBuf,
        /// What is wrong, and on which line.
        source: VerifiersError,
    },
    /// One of the two embedded databases is gone, and the other one is not.
    #[error("{missing} is missing or empty, and {living} belongs to a deployment; {REMEDY}")]
    MissingDatabase {
        /// The missing file.
        missing: String,
        /// The other file.
        living: String,
    },
    /// The database belongs to a deployment with the other environment.
    #[error(
        "{database} belongs to a {stored} deployment, and this one is to be {configured}; say \
        --environment {stored}, or give this one another --data-dir or --database-url"
    )]
    OtherEnvironment {
        /// The file, or host, database and schema.
        database: String,
        /// The environment of the deployment.
        stored: String,
        /// The environment of this configuration.
        configured: Environment,
    },
    /// This process's secret is not the deployment's.
    #[error(
        "{name} is not the one with which {database} was begun, so this server would not recognise \
        testers or verifiers; give it the {name} of the servers that run (docs/operations.md, The \
        secrets)"
    )]
    OtherSecret {
        /// The file in the data directory, which has the name of the option.
        name: &'static str,
        /// The file, or host, database and schema.
        database: String,
    },
    /// The deployment has a secret that this process does not have.
    #[error(
        "{} is missing: {database} was begun with one; restore it, copy it from a server that \
        runs, or give it as an option (docs/operations.md, The secrets)",
        path.display()
    )]
    MissingSecret {
        /// The missing file.
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
        /// The error, with its line.
        source: CatalogueError,
    },
    /// The address is in use, or not an address of this machine.
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The options are not consistent.
    #[error("{0}")]
    Options(&'static str),
    /// The URL of the challenge service is malformed.
    #[error("cannot use the challenge service at {url}: {reason}; check --tpas-url")]
    ChallengeServiceUrl {
        /// The URL.
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
