//! Accepting connections, and draining them when the server stops (§13).

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use http_support::client_address::PeerAddress;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service as HyperService;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::{TowerToHyperService, TowerToHyperServiceFuture};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use super::connections::Connections;
use super::handshakes::Handshakes;
use super::layered_router::LayeredRouter;
use super::write_timeout::WriteTimeout;

/// The largest head of a request, in bytes. What is read of an unfinished head is kept in memory.
const LARGEST_HEAD: usize = 64 * 1024;

/// How long what was sent may stay unacknowledged. A client that vanishes without a word, such as a phone
/// in a tunnel, gives its connection back after this time.
#[cfg(target_os = "linux")]
const SILENCE: Duration = Duration::from_mins(1);

/// The size of the backlog: how many connections may wait to be accepted. The operating system
/// drops a connection that does not fit, and its client tries again a second later. The system may
/// limit the backlog to a smaller size.
const BACKLOG: u32 = 4096;

/// The pause after a failed accept, which usually means that there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Listens, with `SO_REUSEADDR`, so that closing connections of an earlier server do not prevent
/// it.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What connections get.
pub(super) struct Service {
    pub(super) router: LayeredRouter,
    /// TLS, unless a proxy ends it.
    pub(super) handshakes: Option<Handshakes>,
    pub(super) connections: Connections,
}

/// Serves until `stop`. Then accepts no new connections, and waits at most `drain` for the requests
/// in flight. Handshakes in flight are ended.
pub(super) async fn serve(
    listener: TcpListener,
    service: Service,
    stop: impl Future<Output = ()>,
    drain: Duration,
) {
    let Service { router, handshakes, connections } = service;
    let graceful = GracefulShutdown::new();
    let (accepting, is_accepting) = watch::channel(());
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            let slot = connections.slot().await;
            (listener.accept().await, slot)
        };
        let (accepted, slot) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let open = slot.and_then(|slot| connections.open(peer.ip(), slot));
                let Some(open) = open else { continue };
                let router = PeerRouter { router: router.service(), peer: PeerAddress(peer.ip()) };
                let head_timeout = connections.head_timeout(peer.ip());
                let (watcher, handshakes) = (graceful.watcher(), handshakes.clone());
                let mut is_accepting = is_accepting.clone();
                tokio::spawn(async move {
                    configure(&stream);
                    // The request layer has logged its requests, so a broken connection is ignored.
                    if let Some(handshakes) = handshakes {
                        let secured = tokio::select! {
                            secured = handshakes.accept(stream) => secured,
                            _ = is_accepting.changed() => None,
                        };
                        let Some(stream) = secured else { return };
                        let _ = watcher.watch(connection(stream, router, head_timeout)).await;
                    } else {
                        let stream = WriteTimeout::new(stream);
                        let _ = watcher.watch(connection(stream, router, head_timeout)).await;
                    }
                    drop(open);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    drop(accepting);
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were not finished in time");
    }
}

/// The router, as the requests of one connection see it.
#[derive(Clone)]
struct PeerRouter {
    router: TowerToHyperService<Router>,
    peer: PeerAddress,
}

impl HyperService<axum::http::Request<Incoming>> for PeerRouter {
    type Response = Response;
    type Error = Infallible;
    type Future = TowerToHyperServiceFuture<Router, axum::http::Request<Incoming>>;

    fn call(&self, mut request: axum::http::Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.router.call(request)
    }
}

/// Sets the options of a connection.
fn configure(stream: &TcpStream) {
    // Responses are small, and Nagle's algorithm would only delay them.
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = rustix::net::sockopt::set_tcp_user_timeout(
        stream,
        u32::try_from(SILENCE.as_millis()).unwrap_or(u32::MAX),
    );
}

fn connection<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    router: PeerRouter,
    head_timeout: Duration,
) -> http1::Connection<TokioIo<S>, PeerRouter> {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), router)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_backlog_holds_500_connections() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        // A connection that does not fit gets no answer, and would try again after a second.
        let connect =
            || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(900)).unwrap();
        let waiting: Vec<_> = std::iter::repeat_with(connect).take(500).collect();
        for _ in &waiting {
            listener.accept().await.unwrap();
        }
    }
}
