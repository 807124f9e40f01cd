//! From configuration to a running server, and to its end (§13).

mod background;
mod build;
pub(crate) mod consistency;
mod copy;
pub(crate) mod data_directory;
mod demo;
pub(crate) mod health;
mod listener;
#[cfg(feature = "bench")]
mod no_op;
mod rounds;
mod start_error;
mod write_timeout;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use db::{Database, WriterMetrics};
use store_challenge::ChallengeStore;
use store_workspace::WorkspaceStore;
use tokio::net::TcpListener;
use tokio::sync::watch;

use self::background::Background;
pub(crate) use self::build::check_options;
pub use self::build::read_catalogue;
pub use self::copy::{CopiedDeployment, copy};
use self::data_directory::DataDirectory;
pub use self::demo::Demo;
pub(crate) use self::listener::CONNECTIONS;
use self::rounds::RoundRequests;
pub use self::rounds::Rounds;
pub use self::start_error::StartError;
use crate::config::{self, Config};
use domain::ClockAndRng;
use scheduler::{self, Scheduler, Stopping};
use workspace_api::Streams;

/// A server that accepts connections.
pub struct Server {
    address: SocketAddr,
    listener: TcpListener,
    router: Router,
    background: Background,
    when: config::Background,
    rounds: (Rounds, RoundRequests),
    stores: Stores,
    demo: Option<Demo>,
    drain: Duration,
    streams: Streams,
    /// Held until the very end: no other server may come before this one is gone.
    directory: DataDirectory,
}

/// The stores that this process has open.
struct Stores {
    workspace: Option<WorkspaceStore>,
    challenge: Option<ChallengeStore>,
}

impl Server {
    /// Takes the data directory, brings the tables up to date, and starts to listen.
    ///
    /// # Errors
    /// When one of these is not possible; the error says what to do.
    pub async fn start(config: Config, clock_and_rng: ClockAndRng) -> Result<Self, StartError> {
        build::server(config, clock_and_rng).await
    }

    /// Where it listens, with the port that the operating system chose if it was left to it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The demo workspace, if this start has made it.
    #[must_use]
    pub fn demo(&self) -> Option<&Demo> {
        self.demo.as_ref()
    }

    /// Runs background work by hand, where [`config::Background::OnDemand`] leaves it to that.
    #[must_use]
    pub fn rounds(&self) -> Rounds {
        self.rounds.0.clone()
    }

    /// Serves until `stop`; then accepts nothing new, finishes what is in flight, gives leases back
    /// and closes the stores.
    pub async fn stopped_by(self, stop: impl Future<Output = ()>) {
        let Self {
            address: _,
            listener,
            router,
            background,
            when,
            rounds: (_, rounds),
            stores,
            demo: _,
            drain,
            streams,
            directory,
        } = self;
        let (stopping, is_stopping) = watch::channel(false);
        let mut is_stopping = Stopping::new(is_stopping);
        let scheduler = background.scheduler.clone();
        let key_uses = background.key_uses.clone();
        let mut tasks = match when {
            config::Background::Periodic => background.spawn(&is_stopping),
            config::Background::OnDemand => background.spawn_on_demand(rounds, is_stopping.clone()),
        };
        let stop = async {
            stop.await;
            tracing::info!("stopping: no new connections; finishing what is in flight");
            // Nobody may be listening any more; then there is nothing to stop.
            let _ = stopping.send(true);
            // They would never finish by themselves.
            streams.end_all();
        };
        // Requests and background work have the same time to finish, side by side.
        tokio::join!(listener::serve(listener, router, stop, drain), async {
            is_stopping.wait().await;
            let ended = async { while tasks.join_next().await.is_some() {} };
            if tokio::time::timeout(drain, ended).await.is_err() {
                tracing::warn!("background work was cut short");
            }
            tasks.shutdown().await;
        });
        if let Some((key_uses, store)) = key_uses
            && let Err(error) = key_uses.write(&store).await
        {
            tracing::warn!(%error, "when keys were last used could not be written down");
        }
        stores.close(scheduler.as_ref()).await;
        drop(directory);
        tracing::info!("stopped");
    }
}

impl Stores {
    async fn close(self, scheduler: Option<&Scheduler>) {
        if let Some(scheduler) = scheduler
            && let Err(error) = scheduler::leases::release_all(scheduler).await
        {
            tracing::warn!(%error, "leases could not be given back; they will run out by themselves");
        }
        for database in self.databases() {
            database.close().await;
        }
    }

    fn databases(&self) -> impl Iterator<Item = &Database> {
        let connect = self.workspace.as_ref().map(WorkspaceStore::database);
        connect.into_iter().chain(self.challenge.as_ref().map(ChallengeStore::database))
    }
}

/// Brings the tables up to date, and makes them if they are missing; where they are, for people.
///
/// # Errors
/// When they cannot be opened or changed.
pub async fn migrate(config: &Config) -> Result<Vec<String>, StartError> {
    let (connect, tpas) = (config.workspace_location(), config.challenge_location());
    if !(connect.is_shared() && tpas.is_shared()) {
        data_directory::create_folder(&config.data_dir)?;
    }
    let connect = WorkspaceStore::open(&connect, WriterMetrics::default()).await?;
    let tpas = ChallengeStore::open(&tpas, WriterMetrics::default()).await?;
    let mut names = Vec::new();
    for database in [connect.database(), tpas.database()] {
        database.close().await;
        names.push(database.name().to_owned());
    }
    Ok(names)
}
