//! A proxy between a server and its database that injects faults.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What goes wrong between the server and the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Nothing arrives, and connections stay open: a cable that was pulled.
    Silence,
    /// Connections are cut, and new ones refused.
    Disconnect,
    /// The next connection that commits is cut before the database receives the commit. There is
    /// no fault afterwards.
    DisconnectBeforeCommit,
    /// The next connection that commits is cut after the database has responded, before the server
    /// receives the response. There is no fault afterwards.
    DisconnectAfterCommit,
}

/// A proxy that starts without a fault.
pub(crate) struct FaultProxy {
    address: SocketAddr,
    fault: Arc<watch::Sender<Fault>>,
    /// The number of open connections.
    connections: Arc<watch::Sender<usize>>,
}

const COMMIT: &[u8] = b"COMMIT";

impl FaultProxy {
    pub(crate) async fn start(database: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            fault: Arc::new(watch::Sender::new(Fault::None)),
            connections: Arc::new(watch::Sender::new(0)),
        };
        let (fault, connections) = (Arc::clone(&proxy.fault), Arc::clone(&proxy.connections));
        tokio::spawn(async move {
            loop {
                let (server, _) = listener.accept().await.unwrap();
                if *fault.borrow() == Fault::Disconnect {
                    continue;
                }
                let (fault, connections) = (Arc::clone(&fault), Arc::clone(&connections));
                connections.send_modify(|count| *count += 1);
                tokio::spawn(async move {
                    relay(server, database, &fault).await;
                    connections.send_modify(|count| *count -= 1);
                });
            }
        });
        proxy
    }

    /// The URL of a database through this proxy.
    pub(crate) fn url(&self, direct: &str, database: SocketAddr) -> String {
        direct.replace(&format!(":{}/", database.port()), &format!(":{}/", self.address.port()))
    }

    pub(crate) fn inject(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Cuts every connection that is open; new ones work.
    pub(crate) async fn disconnect_all(&self) {
        self.inject(Fault::Disconnect);
        self.connections.subscribe().wait_for(|count| *count == 0).await.unwrap();
        self.inject(Fault::None);
    }

    /// Waits until a fault that happens once has happened.
    pub(crate) async fn fault_has_happened(&self) {
        self.fault.subscribe().wait_for(|fault| *fault == Fault::None).await.unwrap();
    }
}

/// Relays one connection until either side closes it, or a fault does.
async fn relay(server: TcpStream, database: SocketAddr, fault: &watch::Sender<Fault>) {
    let Ok(database) = TcpStream::connect(database).await else { return };
    let (from_server, to_server) = server.into_split();
    let (from_database, to_database) = database.into_split();
    let is_committing = AtomicBool::new(false);
    let cut_request = |bytes: &[u8]| {
        let commits = bytes.windows(COMMIT.len()).any(|window| window == COMMIT);
        if commits && happens(fault, Fault::DisconnectBeforeCommit) {
            return true;
        }
        is_committing.fetch_or(commits, Ordering::Relaxed);
        false
    };
    let cut_response = |_: &[u8]| {
        is_committing.swap(false, Ordering::Relaxed) && happens(fault, Fault::DisconnectAfterCommit)
    };
    let mut disconnected = fault.subscribe();
    tokio::select! {
        () = copy(from_server, to_database, fault, cut_request) => {}
        () = copy(from_database, to_server, fault, cut_response) => {}
        _ = disconnected.wait_for(|fault| *fault == Fault::Disconnect) => {}
    }
}

/// Copies one direction, until `cuts` says that the connection is to be cut instead.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    fault: &watch::Sender<Fault>,
    cuts: impl Fn(&[u8]) -> bool,
) {
    let mut buffer = vec![0; 65536];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let bytes = &buffer[..length];
        if cuts(bytes) {
            return;
        }
        let _ = fault.subscribe().wait_for(|fault| *fault != Fault::Silence).await;
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

/// Whether this fault was injected. It happens once.
fn happens(fault: &watch::Sender<Fault>, injected: Fault) -> bool {
    fault.send_if_modified(|fault| {
        let happens = *fault == injected;
        if happens {
            *fault = Fault::None;
        }
        happens
    })
}
