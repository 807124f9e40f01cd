//! A server, from its start to its stop (§13).

use std::net::SocketAddr;

use scheduler::Stopping;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use workspace_api::Streams;

use super::background::Background;
use super::connections::Connections;
use super::data_directory::DataDirectory;
use super::demo::Demo;
use super::handshakes::Handshakes;
use super::layered_router::LayeredRouter;
use super::listener::{self, Service};
use super::on_demand::{BackgroundTrigger, RunRequests};
use super::stores::Stores;
use crate::config::{self, Limits};
use crate::tls::ServerTls;

/// A server that listens. It serves when [`Self::stopped_by`] runs.
pub struct Server {
    pub(super) address: SocketAddr,
    pub(super) listener: TcpListener,
    pub(super) router: LayeredRouter,
    pub(super) background: Background,
    pub(super) when: config::Background,
    pub(super) on_demand: (BackgroundTrigger, RunRequests),
    pub(super) stores: Stores,
    pub(super) demo: Option<Demo>,
    pub(super) console_link: Option<String>,
    pub(super) limits: Limits,
    pub(super) streams: Streams,
    /// TLS of its own.
    pub(super) tls: Option<ServerTls>,
    pub(super) connections: Connections,
    /// Locked until the end, so that no other server starts before this one has stopped.
    pub(super) directory: DataDirectory,
}

impl Server {
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

    /// The token of a link that signs in to the console once, if there is a demo workspace.
    #[must_use]
    pub fn console_link(&self) -> Option<&str> {
        self.console_link.as_deref()
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
            console_link: _,
            limits,
            streams,
            tls,
            connections,
            directory,
        } = self;
        let drain = limits.drain;
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
        let handshakes = tls.map(|tls| handshakes(tls, limits, &mut tasks, is_stopping.clone()));
        let service = Service { router, handshakes, connections };
        // Requests and background tasks are drained concurrently.
        tokio::join!(listener::serve(listener, service, stop, drain), async {
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

/// Handshakes with the pair that is in the files, which a task follows until the process stops.
fn handshakes(
    tls: ServerTls,
    limits: Limits,
    tasks: &mut JoinSet<()>,
    mut stopping: Stopping,
) -> Handshakes {
    let handshakes = Handshakes::new(tls.acceptor(), limits.handshake);
    tasks.spawn(async move {
        tokio::select! {
            () = tls.follow_files(limits.certificate_period) => {}
            () = stopping.wait() => {}
        }
    });
    handshakes
}
