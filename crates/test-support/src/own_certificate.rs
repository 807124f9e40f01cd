//! Certificates that are their own authority.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ClusterError;
use crate::installation::run;

const EXTENSIONS: &str = "\
subjectAltName=DNS:localhost,IP:127.0.0.1
basicConstraints=CA:FALSE
extendedKeyUsage=serverAuth
";

/// A certificate for `localhost` and 127.0.0.1 that a client can trust by itself, and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCertificate {
    /// The file of the certificate.
    pub certificate: PathBuf,
    /// The file of the key, mode 0600.
    pub key: PathBuf,
}

impl OwnCertificate {
    /// Makes `<name>.crt` and `<name>.key` in this folder with openssl, valid for so many days from
    /// now on; with a negative number the certificate has expired.
    ///
    /// # Errors
    /// When openssl is missing or fails.
    pub fn make(folder: &Path, name: &str, days: i32) -> Result<Self, ClusterError> {
        let file = |end: &str| folder.join(format!("{name}.{end}"));
        let (certificate, key, request, extensions) =
            (file("crt"), file("key"), file("csr"), file("ext"));
        std::fs::write(&extensions, EXTENSIONS)
            .map_err(ClusterError::system("cannot write the extensions"))?;
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        let mut new = Command::new("openssl");
        new.arg("req").args(curve).args(["-subj", "/CN=localhost", "-keyout"]).arg(&key);
        run(new.arg("-out").arg(&request))?;
        let mut sign = Command::new("openssl");
        sign.args(["x509", "-req", "-days", &days.to_string(), "-in"]).arg(request);
        sign.arg("-signkey").arg(&key).arg("-extfile").arg(extensions);
        run(sign.arg("-out").arg(&certificate))?;
        Ok(Self { certificate, key })
    }
}
