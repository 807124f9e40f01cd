//! A certificate and its key, as they are in the operator's files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::TlsFiles;

/// Why a certificate and its key cannot be used. No message has anything of the key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}; correct {option}", path.display())]
    Unreadable {
        /// The option that names the file.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file of the certificate has none, or a malformed one.
    #[error(
        "{} holds no certificate in PEM format; --tls-cert names the chain, the server's \
         certificate first",
        .0.display()
    )]
    NoCertificate(PathBuf),
    /// The file of the key has none, or a malformed one.
    #[error("{} holds no private key in PEM format; correct --tls-key", .0.display())]
    NoKey(PathBuf),
    /// The key is encrypted.
    #[error(
        "the private key in {path} is encrypted, and no one can type its password at a restart; \
         decrypt it with `openssl pkey -in {path} -out <file>`, and keep that file private",
        path = .0.display()
    )]
    EncryptedKey(PathBuf),
    /// The key belongs to another certificate, or is of a kind that is not supported.
    #[error("the key in {} does not fit the certificate in {}: {reason}", key.display(), certificate.display())]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The library does not support the protocol.
    #[error("cannot set up TLS: {0}")]
    Protocol(String),
}

/// How long a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

/// What both files contain. Two are equal if nothing has changed.
#[derive(PartialEq, Eq)]
pub(crate) struct PairFiles {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl PairFiles {
    pub(super) fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self {
            certificate: read("--tls-cert", &files.certificate)?,
            key: read("--tls-key", &files.key)?,
        })
    }
}

fn read(option: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable { option, path: path.to_owned(), source })
}

/// A certificate and the key that belongs to it.
pub(crate) struct Pair {
    pub(super) certified_key: Arc<CertifiedKey>,
    pub(crate) validity: Validity,
}

impl Pair {
    /// Reads both files.
    ///
    /// # Errors
    /// When the server could not use them. An expired certificate is no error: [`Self::validity`]
    /// says so.
    pub(crate) fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Self::parse(files, &PairFiles::read(files)?)
    }

    pub(super) fn parse(files: &TlsFiles, read: &PairFiles) -> Result<Self, TlsError> {
        let no_certificate = || TlsError::NoCertificate(files.certificate.clone());
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read.certificate)
            .collect::<Result<_, _>>()
            .map_err(|_| no_certificate())?;
        let first = chain.first().ok_or_else(no_certificate)?;
        let validity = validity(first).ok_or_else(no_certificate)?;
        let key = private_key(&files.key, &read.key)?;
        let certified_key = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| {
            let reason = match error {
                rustls::Error::InconsistentKeys(_) => "it belongs to another one".to_owned(),
                other => other.to_string(),
            };
            let TlsFiles { certificate, key } = files.clone();
            TlsError::Mismatch { certificate, key, reason }
        })?;
        Ok(Self { certified_key: Arc::new(certified_key), validity })
    }

    /// Whether the certificate is for this host, a name or an address.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        let Ok(name) = ServerName::try_from(host) else { return false };
        let certificate =
            self.certified_key.end_entity_cert().and_then(ParsedCertificate::try_from);
        certificate.is_ok_and(|it| rustls::client::verify_server_name(&it, &name).is_ok())
    }
}

/// The provider of cryptography that the whole program uses.
pub(super) fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

fn private_key(path: &Path, text: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    let has = |part: &str| text.windows(part.len()).any(|window| window == part.as_bytes());
    // The old format says so in a header, the new one in its name.
    if has("BEGIN ENCRYPTED PRIVATE KEY") || has("Proc-Type: 4,ENCRYPTED") {
        return Err(TlsError::EncryptedKey(path.to_owned()));
    }
    PrivateKeyDer::from_pem_slice(text).map_err(|_: pem::Error| TlsError::NoKey(path.to_owned()))
}

fn validity(certificate: &CertificateDer<'_>) -> Option<Validity> {
    let validity = Certificate::from_der(certificate).ok()?.tbs_certificate.validity;
    let timestamp = |time: x509_cert::time::Time| {
        let millis = i64::try_from(time.to_unix_duration().as_millis()).ok()?;
        Some(Timestamp::from_millis(millis))
    };
    Some(Validity { from: timestamp(validity.not_before)?, until: timestamp(validity.not_after)? })
}
