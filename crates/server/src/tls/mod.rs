//! TLS of the server's own (§13): the operator's certificate and key, read again when their
//! files change.

mod pair;
mod server_tls;

use std::path::PathBuf;

pub use self::pair::TlsError;
pub(crate) use self::pair::{Pair, Validity};
pub(crate) use self::server_tls::ServerTls;

/// The files of `--tls-cert` and `--tls-key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain of certificates, the server's first.
    pub certificate: PathBuf,
    /// The private key of the server's certificate.
    pub key: PathBuf,
}
