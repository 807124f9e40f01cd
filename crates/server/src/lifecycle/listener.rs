//! Accepting connections, and letting them finish (§13).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use super::write_timeout::WriteTimeout;

/// How long a client may take to send a request's head: who is slower holds a connection for
/// nothing.
const HEAD_LIMIT: Duration = Duration::from_secs(15);

/// How many connections are open at most. The next one waits in the operating system's queue.
pub(crate) const CONNECTIONS: usize = 16_384;

/// How many connections may wait to be accepted. When testers come by the thousand, the operating
/// system turns away those that do not fit, and each tries again a second later. It may allow
/// fewer.
const WAITING: u32 = 4096;

/// How long to wait when no connection can be accepted, usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Listens, even where connections of an earlier server have not quite ended.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Serves until `stop`, then accepts nothing new and finishes what is in flight, but for no longer
/// than `drain`.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
    drain: Duration,
) {
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            // The semaphore is never closed, so there is always a slot to wait for.
            let slot = Arc::clone(&slots).acquire_owned().await;
            (listener.accept().await, slot)
        };
        let (accepted, slot) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = graceful.watch(connection(stream, router.clone()));
                tokio::spawn(async move {
                    // A connection that breaks is the client's affair; its request has been logged.
                    let _ = connection.await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were not finished in time");
    }
}

fn connection(
    stream: TcpStream,
    router: Router,
) -> http1::Connection<TokioIo<WriteTimeout>, TowerToHyperService<Router>> {
    // Answers are small: waiting for more to send only makes them late.
    let _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(WriteTimeout::new(stream)), TowerToHyperService::new(router))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_rush_waits_for_its_turn() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        // Whoever does not fit is not answered, and would try again after a second.
        let come =
            || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(900)).unwrap();
        let waiting: Vec<_> = std::iter::repeat_with(come).take(500).collect();
        for _ in &waiting {
            listener.accept().await.unwrap();
        }
    }
}
