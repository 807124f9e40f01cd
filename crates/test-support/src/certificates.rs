//! A certificate authority for the cluster, and the server's certificate.

use std::path::Path;
use std::process::Command;

use crate::ClusterError;
use crate::installation::{Installation, run};

pub(crate) const AUTHORITY: &str = "authority.crt";
pub(crate) const SERVER: &str = "server.crt";
pub(crate) const SERVER_KEY: &str = "server.key";

const EXTENSIONS: &str = "\
subjectAltName=DNS:localhost,IP:127.0.0.1
basicConstraints=CA:FALSE
extendedKeyUsage=serverAuth
";

/// Creates both in this folder. The server's certificate is valid for `localhost` and 127.0.0.1.
pub(crate) fn make(folder: &Path, installation: &Installation) -> Result<(), ClusterError> {
    let extensions = folder.join("server.ext");
    std::fs::write(&extensions, EXTENSIONS)
        .map_err(ClusterError::system("cannot write server.ext"))?;
    let elliptic = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let authority = ["req", "-x509", "-days", "2", "-subj", "/CN=fieldtest tests"];
    openssl(
        folder,
        &[&authority, &elliptic[..], &["-keyout", "authority.key", "-out", AUTHORITY]].concat(),
    )?;
    let request = ["req", "-subj", "/CN=localhost"];
    openssl(
        folder,
        &[&request, &elliptic[..], &["-keyout", SERVER_KEY, "-out", "server.csr"]].concat(),
    )?;
    let sign = [
        "x509",
        "-req",
        "-days",
        "2",
        "-in",
        "server.csr",
        "-out",
        SERVER,
        "-extfile",
        "server.ext",
    ];
    openssl(
        folder,
        &[&sign[..], &["-CA", AUTHORITY, "-CAkey", "authority.key", "-CAcreateserial"]].concat(),
    )?;
    [SERVER, SERVER_KEY].iter().try_for_each(|file| installation.chown(&folder.join(file)))
}

/// Replaces the server's certificate by one of version 1: a signed request without extensions.
pub(crate) fn make_version_1(
    folder: &Path,
    installation: &Installation,
) -> Result<(), ClusterError> {
    let sign = ["x509", "-req", "-days", "2", "-in", "server.csr", "-out", SERVER];
    let authority = ["-CA", AUTHORITY, "-CAkey", "authority.key", "-CAcreateserial"];
    openssl(folder, &[&sign[..], &authority].concat())?;
    installation.chown(&folder.join(SERVER))
}

fn openssl(folder: &Path, arguments: &[&str]) -> Result<(), ClusterError> {
    run(Command::new("openssl").args(arguments).current_dir(folder)).map(drop)
}
