//! The pair that new connections get, and when it changes.

use std::sync::Arc;
use std::time::Duration;

use domain::ClockAndRng;
use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use super::TlsFiles;
use super::pair::{Pair, PairFiles, TlsError, Validity, provider};

/// TLS for the connections of a server.
pub(crate) struct ServerTls {
    files: TlsFiles,
    /// What was in the files at the last look; `None` if they could not be read.
    seen: Option<PairFiles>,
    /// Why that cannot be used, if it was not logged yet.
    problem: Option<String>,
    current: Arc<Current>,
    config: Arc<ServerConfig>,
    clock_and_rng: ClockAndRng,
}

/// The certificate and key for new connections.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

impl ServerTls {
    /// Reads the files. An expired certificate is served, and logged.
    ///
    /// # Errors
    /// When they cannot be used; the message says how to fix it.
    pub(crate) fn new(files: TlsFiles, clock_and_rng: &ClockAndRng) -> Result<Self, TlsError> {
        let content = PairFiles::read(&files)?;
        let pair = Pair::parse(&files, &content)?;
        let Validity { from, until } = pair.validity;
        if !(from..=until).contains(&clock_and_rng.now()) {
            tracing::warn!(%from, %until, "clients refuse the TLS certificate: it is not valid now");
        }
        let current = Arc::new(Current(RwLock::new(pair.certified_key)));
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Protocol(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            files,
            seen: Some(content),
            problem: None,
            current,
            config: Arc::new(config),
            clock_and_rng: clock_and_rng.clone(),
        })
    }

    /// Accepts connections, each with the pair that is current then.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// Looks at the files once in each period, for ever, and takes a new pair up.
    pub(crate) async fn follow_files(mut self, period: Duration) {
        loop {
            tokio::time::sleep(period).await;
            let files = self.files.clone();
            let read = tokio::task::spawn_blocking(move || PairFiles::read(&files)).await;
            // It fails only if the process stops.
            let Ok(read) = read else { return };
            self.take_up(read);
        }
    }

    /// Takes a new pair up. A broken one is logged when it is still there at the next look: until
    /// then, one of the two files may be new already and the other not yet.
    fn take_up(&mut self, read: Result<PairFiles, TlsError>) {
        if read.as_ref().ok() == self.seen.as_ref() {
            if let Some(problem) = self.problem.take() {
                tracing::error!(
                    problem,
                    "the new TLS certificate cannot be used; the old one stays"
                );
            }
            return;
        }
        let pair = read.as_ref().map(|content| Pair::parse(&self.files, content));
        self.problem = match pair {
            Ok(Ok(pair)) if pair.validity.until < self.clock_and_rng.now() => {
                Some(format!("it expired at {}", pair.validity.until))
            }
            Ok(Ok(pair)) => {
                tracing::info!(until = %pair.validity.until, "a new TLS certificate was taken up");
                *self.current.0.write() = pair.certified_key;
                None
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        self.seen = read.ok();
    }
}
