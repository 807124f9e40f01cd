//! The link between a server and its database, to be cut on purpose.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What is done with what passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Everything arrives.
    Fair,
    /// Nothing arrives any more, and nobody is told: a cable that was pulled.
    Silent,
    /// Connections are cut, and new ones refused.
    Cut,
    /// The next transaction that is to be committed is cut off before the database hears of it;
    /// then it is fair again.
    CutBeforeCommit,
    /// The next transaction that is to be committed is cut off when the database has answered, but
    /// before the server hears of it; then it is fair again.
    CutAfterCommit,
}

/// A link that starts in fair weather.
pub(crate) struct Link {
    address: SocketAddr,
    weather: Arc<watch::Sender<Weather>>,
    /// How many connections there are.
    connections: Arc<watch::Sender<usize>>,
}

const COMMIT: &[u8] = b"COMMIT";

impl Link {
    pub(crate) async fn to(database: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let weather = Arc::new(watch::Sender::new(Weather::Fair));
        let connections = Arc::new(watch::Sender::new(0));
        let (sky, count) = (Arc::clone(&weather), Arc::clone(&connections));
        tokio::spawn(async move {
            loop {
                let (server, _) = listener.accept().await.unwrap();
                if *sky.borrow() == Weather::Cut {
                    continue;
                }
                let (sky, count) = (Arc::clone(&sky), Arc::clone(&count));
                count.send_modify(|count| *count += 1);
                tokio::spawn(async move {
                    carry(server, database, sky).await;
                    count.send_modify(|count| *count -= 1);
                });
            }
        });
        Self { address, weather, connections }
    }

    /// The URL of a database behind this link.
    pub(crate) fn url(&self, direct: &str, database: SocketAddr) -> String {
        direct.replace(&format!(":{}/", database.port()), &format!(":{}/", self.address.port()))
    }

    pub(crate) fn change(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Cuts every connection that there is; new ones are welcome.
    pub(crate) async fn cut_all(&self) {
        self.change(Weather::Cut);
        self.connections.subscribe().wait_for(|count| *count == 0).await.unwrap();
        self.change(Weather::Fair);
    }

    /// Waits until somebody has run into what was prepared.
    pub(crate) async fn is_fair_again(&self) {
        self.weather.subscribe().wait_for(|weather| *weather == Weather::Fair).await.unwrap();
    }
}

async fn carry(server: TcpStream, database: SocketAddr, sky: Arc<watch::Sender<Weather>>) {
    let Ok(database) = TcpStream::connect(database).await else { return };
    let (from_server, to_server) = server.into_split();
    let (from_database, to_database) = database.into_split();
    let is_committing = Arc::new(Mutex::new(false));
    let mut cut = sky.subscribe();
    tokio::select! {
        () = forth(from_server, to_database, &sky, &is_committing) => {}
        () = back(from_database, to_server, &sky, &is_committing) => {}
        _ = cut.wait_for(|weather| *weather == Weather::Cut) => {}
    }
}

async fn forth(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    sky: &watch::Sender<Weather>,
    is_committing: &Mutex<bool>,
) {
    let mut buffer = vec![0; 65536];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let bytes = &buffer[..length];
        if bytes.windows(COMMIT.len()).any(|window| window == COMMIT) {
            if clears_up(sky, &Weather::CutBeforeCommit) {
                return;
            }
            *is_committing.lock().unwrap() = true;
        }
        hold_while_silent(sky).await;
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

async fn back(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    sky: &watch::Sender<Weather>,
    is_committing: &Mutex<bool>,
) {
    let mut buffer = vec![0; 65536];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let answers_commit = std::mem::take(&mut *is_committing.lock().unwrap());
        if answers_commit && clears_up(sky, &Weather::CutAfterCommit) {
            return;
        }
        hold_while_silent(sky).await;
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// Whether this was prepared; it happens once.
fn clears_up(sky: &watch::Sender<Weather>, prepared: &Weather) -> bool {
    sky.send_if_modified(|weather| {
        let happens = weather == prepared;
        if happens {
            *weather = Weather::Fair;
        }
        happens
    })
}

async fn hold_while_silent(sky: &watch::Sender<Weather>) {
    let _ = sky.subscribe().wait_for(|weather| *weather != Weather::Silent).await;
}
