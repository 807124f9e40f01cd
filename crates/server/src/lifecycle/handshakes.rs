//! TLS handshakes: bounded in time, and with an answer for those who speak plain HTTP (§13).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::write_timeout::WriteTimeout;

/// With this begins a record of a TLS handshake, so every connection of a TLS client.
const HANDSHAKE_RECORD: u8 = 22;

/// The answer to a request without TLS. `doctor` recognises it.
pub(crate) const PLAIN_HTTP_ANSWER: &str = "HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain\r\nContent-Length: 58\r\nConnection: close\r\n\r\n\
    This is fieldtest, and speaks HTTPS here: write https://.\n";

/// How much of a request without TLS is read, in bytes, so that its sender gets the answer: a
/// connection that is closed with unread bytes is reset.
const PLAIN_HTTP_LIMIT: u64 = 64 * 1024;

/// How long that takes at most.
const PLAIN_HTTP_TIMEOUT: Duration = Duration::from_secs(1);

/// Makes TLS connections of accepted ones. Clones share the certificate.
#[derive(Clone)]
pub(super) struct Handshakes {
    acceptor: TlsAcceptor,
    timeout: Duration,
}

impl Handshakes {
    /// Each may take this long.
    pub(super) fn new(acceptor: TlsAcceptor, timeout: Duration) -> Self {
        Self { acceptor, timeout }
    }

    /// The TLS connection; `None` if the client does not make one in time.
    pub(super) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<WriteTimeout>> {
        tokio::time::timeout(self.timeout, self.handshake(stream)).await.ok()?.ok()
    }

    async fn handshake(&self, stream: TcpStream) -> io::Result<TlsStream<WriteTimeout>> {
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first != [HANDSHAKE_RECORD] {
            refuse(stream, first).await?;
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.acceptor.accept(WriteTimeout::new(stream)).await
    }
}

/// Answers a request that came without TLS. The method of one begins with a letter.
async fn refuse(mut stream: TcpStream, first: [u8; 1]) -> io::Result<()> {
    if !first[0].is_ascii_uppercase() {
        return Ok(());
    }
    stream.write_all(PLAIN_HTTP_ANSWER.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(PLAIN_HTTP_LIMIT);
    let mut nowhere = tokio::io::sink();
    let read = tokio::io::copy(&mut rest, &mut nowhere);
    // What could not be read in time is given up.
    let _ = tokio::time::timeout(PLAIN_HTTP_TIMEOUT, read).await;
    Ok(())
}
