//! Encryption of the connection to the database, as strict as its URL demands.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::url::{Roots, Tls};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    #[error("cannot read certificates from {path}: {cause}")]
    Roots { path: String, cause: String },
    #[error(transparent)]
    Rustls(#[from] Error),
    #[error(transparent)]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}

pub(super) fn connector(tls: &Tls) -> Result<MakeRustlsConnect, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let config = match tls {
        Tls::VerifyFull(roots) => {
            builder.with_root_certificates(read_roots(roots)?).with_no_client_auth()
        }
        Tls::VerifyCa(roots) => {
            let verifier =
                WebPkiServerVerifier::builder_with_provider(Arc::new(read_roots(roots)?), provider)
                    .build()?;
            let verifier = ChainVerifier(verifier);
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth()
        }
        Tls::Unverified => {
            let verifier = NoVerifier(provider);
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth()
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

fn read_roots(roots: &Roots) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::System => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Roots::File(path) => {
            let failed =
                |cause: String| TlsError::Roots { path: path.display().to_string(), cause };
            for certificate in
                CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?
            {
                store.add(certificate.map_err(|error| failed(error.to_string()))?)?;
            }
            if store.is_empty() {
                return Err(failed("the file contains no certificate".into()));
            }
        }
    }
    Ok(store)
}

/// Verifies the certificate's signature, but not its host name (`verify-ca`).
#[derive(Debug)]
struct ChainVerifier(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for ChainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        {
            // Signatures are verified before the name, so they are valid.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Accepts any certificate: `prefer`, and `require` without a root. It does not read it, because
/// PostgreSQL's own recipe makes certificates of version 1, which the reader refuses. A signature
/// proves the possession of a key that anybody could have made, so it is not checked either.
#[derive(Debug)]
struct NoVerifier(Arc<CryptoProvider>);

impl ServerCertVerifier for NoVerifier {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use test_support::{Cluster, Durability};

    use crate::PostgresOptions;
    use crate::postgres::Connector;

    #[tokio::test]
    async fn a_certificate_of_version_1_is_accepted_where_none_is_verified() {
        let cluster = Cluster::start(Durability::Fast).unwrap();
        cluster.use_certificate_of_version_1().unwrap();
        let connect = async |query: &str| {
            let url = cluster.url_with_password("localhost", "postgres") + query;
            let options = PostgresOptions::new(url.parse().unwrap());
            Connector::for_queries(&options, "public").unwrap().connect().await
        };
        for query in ["", "?sslmode=require"] {
            let (client, _driver) = connect(query).await.unwrap();
            let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            let is_encrypted: bool = client.query_one(sql, &[]).await.unwrap().get(0);
            assert!(is_encrypted, "{query}");
        }
        let root = cluster.authority().display().to_string();
        let query = format!("?sslmode=verify-ca&sslrootcert={root}");
        let refused = connect(&query).await.unwrap_err().to_string();
        assert!(refused.contains("certificate"), "{refused}");
    }
}
