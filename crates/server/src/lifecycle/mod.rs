//! Starting, running and stopping a server (§13).

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
mod on_demand;
mod start_error;
mod write_timeout;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use db::{Database, WriterMetrics};
use domain::ClockAndRng;
use scheduler::{Scheduler, Stopping};
use store_challenge::ChallengeStore;
use store_workspace::WorkspaceStore;
use tokio::net::TcpListener;
use tokio::sync::watch;
use workspace_api::Streams;

use self::background::Background;
pub(crate) use self::build::check_options;
pub use self::build::read_catalogue;
pub use self::copy::{CopiedDeployment, copy};
use self::data_directory::DataDirectory;
pub use self::demo::Demo;
pub(crate) use self::listener::CONNECTIONS;
pub use self::on_demand::BackgroundTrigger;
use self::on_demand::RunRequests;
pub use self::start_error::StartError;
use crate::config::{self, Config};

/// A server that listens. It serves when [`Self::stopped_by`] runs.
pub struct Server {
    address: SocketAddr,
    listener: TcpListener,
    router: Router,
    background: Background,
    when: config::Background,
    on_demand: (BackgroundTrigger, RunRequests),
    stores: Stores,
    demo: Option<Demo>,
    drain: Duration,
    streams: Streams,
    /// Locked until the end, so that no other server starts before this one has stopped.
    directory: DataDirectory,
}

/// The stores that this process has open.
struct Stores {
    workspace: Option<WorkspaceStore>,
    challenge: Option<ChallengeStore>,
}

impl Server {
    /// Locks the data directory, runs the migrations, and listens.
    ///
    /// # Errors
    /// When one of these fails. The error says how to fix it.
    pub async fn start(config: Config, clock_and_rng: ClockAndRng) -> Result<Self, StartError> {
        build::server(config, clock_and_rng).await
    }

    /// The address that it listens on, with the port that the operating system chose if it was 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The demo workspace, if this start created it.
    #[must_use]
    pub fn demo(&self) -> Option<&Demo> {
        self.demo.as_ref()
    }

    /// Runs background tasks on demand, with [`config::Background::OnDemand`].
    #[must_use]
    pub fn background_trigger(&self) -> BackgroundTrigger {
        self.on_demand.0.clone()
    }

    /// Serves until `stop`. Then accepts no new connections, drains those in flight, releases
    /// leases and closes the stores.
    pub async fn stopped_by(self, stop: impl Future<Output = ()>) {
        let Self {
            address: _,
            listener,
            router,
            background,
            when,
            on_demand: (_, requests),
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
            config::Background::OnDemand => {
                background.spawn_on_demand(requests, is_stopping.clone())
            }
        };
        let stop = async {
            stop.await;
            tracing::info!("stopping: no new connections; finishing what is in flight");
            // Without a receiver there is no task to stop.
            let _ = stopping.send(true);
            // Streams do not end by themselves.
            streams.end_all();
        };
        // Requests and background tasks are drained concurrently.
        tokio::join!(listener::serve(listener, router, stop, drain), async {
            is_stopping.wait().await;
            let ended = async { while tasks.join_next().await.is_some() {} };
            if tokio::time::timeout(drain, ended).await.is_err() {
                tracing::warn!("background work was cut short");
            }
            tasks.shutdown().await;
        });
        if let Some((key_uses, store)) = key_uses
            && let Err(error) = key_uses.flush(&store).await
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
            tracing::warn!(
                %error,
                "leases could not be given back; they will run out by themselves"
            );
        }
        for database in self.databases() {
            database.close().await;
        }
    }

    fn databases(&self) -> impl Iterator<Item = &Database> {
        let workspace = self.workspace.as_ref().map(WorkspaceStore::database);
        workspace.into_iter().chain(self.challenge.as_ref().map(ChallengeStore::database))
    }
}

/// Runs the migrations of both stores. Returns the names of the databases, for people.
///
/// # Errors
/// When a database cannot be opened or migrated.
pub async fn migrate(config: &Config) -> Result<Vec<String>, StartError> {
    let (workspace, challenge) = (config.workspace_location(), config.challenge_location());
    if !(workspace.is_shared() && challenge.is_shared()) {
        data_directory::create_folder(&config.data_dir)?;
    }
    let workspace = WorkspaceStore::open(&workspace, WriterMetrics::default()).await?;
    let challenge = ChallengeStore::open(&challenge, WriterMetrics::default()).await?;
    let mut names = Vec::new();
    for database in [workspace.database(), challenge.database()] {
        database.close().await;
        names.push(database.name().to_owned());
    }
    Ok(names)
}
