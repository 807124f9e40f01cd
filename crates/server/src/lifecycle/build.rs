//! Putting a server together from its configuration.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use domain::catalogue::Catalogue;
use domain::challenge::Watch;
use domain::{ChallengeId, Environment};
use store::connect::ConnectStore;
use store::tpas::TpasStore;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::background::{Background, EventWatch};
use super::data_directory::DataDirectory;
use super::messenger::Messenger;
use super::{Server, StartError, Stores, agreement, demo, health, listener, rounds};
use crate::World;
use crate::config::{Config, Role};
use crate::leases::Leases;
use crate::nudge::News;
use crate::peer::{Peer, Remote};
use crate::scheduler::{Scheduler, hand_over};
use crate::telemetry::Telemetry;
use crate::tpas::{Tpas, Verifier};
use crate::web::edge::{Edge, edge};
use crate::web::in_flight::InFlight;
use crate::web::rate_limit::RateLimits;
use crate::workspace_api::{KeyUses, Known, Streams, WorkspaceApi};
use crate::{console, tpas, web, workspace_api};

/// In whose name leases are taken on an embedded database. It belongs to one server at a time, so the name is always the same:
/// a server that comes back after a crash gives back what it held, instead of waiting for its own leases to run out.
const ONLY_HOLDER: &str = "embedded";

pub(super) async fn server(config: Config, world: World) -> Result<Server, StartError> {
    check_options(&config)?;
    let catalogue = Arc::new(read_catalogue(&config)?);
    let directory = data_directory(&config)?;
    let telemetry = Telemetry::new();
    let (change, changes) = mpsc::unbounded_channel();

    let stores = open_stores(&config, &telemetry).await?;
    // The demo's key is shown once, so nothing that often goes wrong comes after it.
    let (listener, address) = listen(config.listen)?;
    let demo = match &stores.connect {
        Some(store) if config.demo && config.environment == Environment::Sandbox => {
            demo::make(store, &directory, &world).await?
        }
        _ => None,
    };

    let mut parts = Parts {
        streams: Streams::new(telemetry.event_streams.clone()),
        new_request: News::default(),
        new_events: News::default(),
        key_uses: KeyUses::default(),
        config,
        world,
        catalogue,
        telemetry,
        tpas: None,
        stores,
    };
    parts.tpas = parts.challenge_service(&directory, change).await?;
    let peer = parts.peer()?;
    let scheduler = parts.scheduler(peer.as_ref());
    if let Some(scheduler) = &scheduler {
        hand_over::release(scheduler).await?;
    }
    Ok(Server {
        address,
        listener,
        router: parts.router(peer.as_ref(), scheduler.as_ref()),
        background: Background {
            scheduler,
            tpas: parts.tpas.clone(),
            messenger: parts.messenger(),
            key_uses: parts.key_uses(),
            streams: parts.streams(),
            telemetry: parts.telemetry.clone(),
            changes,
        },
        when: parts.config.background,
        rounds: rounds::channel(),
        drain: parts.config.limits.drain,
        streams: parts.streams,
        stores: parts.stores,
        demo,
        directory,
    })
}

/// The listener, and the address with the port that the operating system has chosen if it was left to it.
fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = listener::bind(address).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Whether the options go together.
pub(crate) fn check_options(config: &Config) -> Result<(), StartError> {
    let needs_peer = config.roles.has(Role::Api) || config.roles.has(Role::Scheduler);
    if needs_peer && config.tpas_url.is_none() && !config.roles.has(Role::Tpas) {
        return Err(StartError::Options(
            "the challenge service does not run in this process: add tpas to --roles, or say with --tpas-url where it runs",
        ));
    }
    let is_alone = !config.connect_location().is_shared();
    if is_alone && config.roles.has(Role::Api) != config.roles.has(Role::Scheduler) {
        return Err(StartError::Options(
            "the embedded database belongs to one process, so the roles api and scheduler go together: name both or neither, \
             or use PostgreSQL with --database-url",
        ));
    }
    if config.tpas_url.is_some() && config.tpas_token.is_none() {
        return Err(StartError::Options(
            "--tpas-url needs --tpas-token, the token of the challenge service's service surface",
        ));
    }
    Ok(())
}

/// The provider catalogue: the operator's own, or the built-in one.
///
/// # Errors
/// When the operator's file cannot be read or is not valid; the error names the line.
pub fn read_catalogue(config: &Config) -> Result<Catalogue, StartError> {
    let Some(path) = &config.catalogue else { return Ok(Catalogue::built_in()) };
    let text = fs::read_to_string(path).map_err(|source| StartError::file(path, source))?;
    Catalogue::parse(&text).map_err(|source| StartError::Catalogue { path: path.clone(), source })
}

/// The data directory: this server's alone if there are embedded databases in it, shared if not.
fn data_directory(config: &Config) -> Result<DataDirectory, StartError> {
    if config.connect_location().is_shared() && config.tpas_location().is_shared() {
        DataDirectory::share(&config.data_dir)
    } else {
        DataDirectory::take(&config.data_dir)
    }
}

/// Opens what this process's roles need, if it belongs to this kind of deployment.
async fn open_stores(config: &Config, telemetry: &Telemetry) -> Result<Stores, StartError> {
    let needs_connect = config.roles.has(Role::Api) || config.roles.has(Role::Scheduler);
    let connect = if needs_connect {
        Some(ConnectStore::open(&config.connect_location(), telemetry.connect_writer.clone()).await?)
    } else {
        None
    };
    let tpas = if config.roles.has(Role::Tpas) {
        Some(TpasStore::open(&config.tpas_location(), telemetry.tpas_writer.clone()).await?)
    } else {
        None
    };
    let stores = Stores { connect, tpas };
    for database in stores.databases() {
        agreement::on_environment(database, config.environment).await?;
    }
    Ok(stores)
}

/// What the rooms of the server are made of.
struct Parts {
    config: Config,
    world: World,
    catalogue: Arc<Catalogue>,
    telemetry: Telemetry,
    new_request: News,
    new_events: News,
    key_uses: KeyUses,
    streams: Streams,
    tpas: Option<Tpas>,
    stores: Stores,
}

impl Parts {
    /// The challenge service of this process, if it has one; `change` is told of challenges that have changed by themselves.
    async fn challenge_service(
        &self,
        directory: &DataDirectory,
        change: mpsc::UnboundedSender<ChallengeId>,
    ) -> Result<Option<Tpas>, StartError> {
        let Self { config, world, catalogue, telemetry, .. } = self;
        let Some(store) = &self.stores.tpas else { return Ok(None) };
        let secrets = agreement::on_secrets(config, directory, store.database(), world).await?;
        Ok(Some(Tpas::new(tpas::Parts {
            store: store.clone(),
            catalogue: Arc::clone(catalogue),
            environment: config.environment,
            world: world.clone(),
            secrets,
            verifier: Verifier::of(config.environment),
            service_token: config.tpas_token.clone(),
            public_url: config.public_url.clone(),
            in_flight: InFlight::new(config.limits.repetition),
            changes: change,
            telemetry: telemetry.clone(),
        })))
    }

    /// The challenge service as the others see it: elsewhere if the operator says where, or else in this process.
    fn peer(&self) -> Result<Option<Peer>, StartError> {
        let Config { tpas_url, tpas_token, limits, .. } = &self.config;
        match (tpas_url, tpas_token) {
            (Some(url), Some(token)) => Remote::new(url, token, limits, self.world.clone())
                .map(|remote| Some(Peer::Http(Arc::new(remote))))
                .map_err(|error| StartError::Peer { url: url.clone(), reason: error.to_string() }),
            _ => Ok(self.tpas.clone().map(|tpas| Peer::InProcess { tpas, read_limit: limits.peer_read })),
        }
    }

    fn scheduler(&self, peer: Option<&Peer>) -> Option<Scheduler> {
        let (store, peer) = self.stores.connect.as_ref().zip(peer)?;
        self.config.roles.has(Role::Scheduler).then(|| Scheduler {
            store: store.clone(),
            peer: peer.clone(),
            world: self.world.clone(),
            news: self.new_request.here.clone(),
            new_events: self.new_events.clone(),
            telemetry: self.telemetry.clone(),
            watch: self.watch(),
            leases: self.leases(peer),
            turn: Arc::default(),
            has_leftovers: Arc::default(),
            attempt_limit: self.config.limits.hand_over,
            rest: self.config.limits.hand_over_rest,
        })
    }

    /// On embedded databases all that happens to challenges happens in this process, unless they are elsewhere altogether.
    fn watch(&self) -> Watch {
        let is_shared = self.config.connect_location().is_shared() || self.config.tpas_location().is_shared();
        if is_shared || self.config.tpas_url.is_some() { Watch::Untold } else { Watch::Told }
    }

    /// A lease lasts for two attempts, so that nothing is attempted by two at once: at most 20 s with the default limits, so that
    /// others take over within 30 s (§9).
    fn leases(&self, peer: &Peer) -> Leases {
        Leases::new(&self.holder(), self.config.limits.hand_over * 2, peer.capacity().places)
    }

    /// A name that no other running scheduler has.
    fn holder(&self) -> String {
        if !self.config.connect_location().is_shared() {
            return ONLY_HOLDER.to_owned();
        }
        let mut random = [0; 16];
        self.world.randomness().fill(&mut random);
        hex::encode(random)
    }

    /// What carries news between processes, where there may be others.
    fn messenger(&self) -> Option<Messenger> {
        let store = self.stores.connect.as_ref().filter(|_| self.config.connect_location().is_shared())?;
        Some(Messenger {
            store: store.clone(),
            new_request: self.new_request.clone(),
            new_events: self.new_events.clone(),
        })
    }

    /// What this process notes of keys, if it takes any.
    fn key_uses(&self) -> Option<(KeyUses, ConnectStore)> {
        let store = self.stores.connect.as_ref().filter(|_| self.config.roles.has(Role::Api))?;
        Some((self.key_uses.clone(), store.clone()))
    }

    /// The streams of this process, if it can have any.
    fn streams(&self) -> Option<EventWatch> {
        let store = self.stores.connect.as_ref().filter(|_| self.config.roles.has(Role::Api))?;
        Some(EventWatch {
            streams: self.streams.clone(),
            store: store.clone(),
            world: self.world.clone(),
            news: self.new_events.here.clone(),
        })
    }

    fn workspace_api(&self, peer: Option<&Peer>, scheduler: Option<&Scheduler>) -> Option<WorkspaceApi> {
        let (store, peer) = self.stores.connect.as_ref().zip(peer)?;
        let parts = || workspace_api::Parts {
            store: store.clone(),
            peer: peer.clone(),
            catalogue: Arc::clone(&self.catalogue),
            environment: self.config.environment,
            world: self.world.clone(),
            rate_limits: RateLimits::new(self.config.rate_limit, self.world.clock()),
            key_uses: self.key_uses.clone(),
            known: Known::default(),
            in_flight: InFlight::new(self.config.limits.repetition),
            new_request: self.new_request.clone(),
            leases: scheduler.map(|scheduler| scheduler.leases.clone()),
            new_events: self.new_events.clone(),
            streams: self.streams.clone(),
            heartbeat: self.config.limits.heartbeat,
        };
        self.config.roles.has(Role::Api).then(|| WorkspaceApi::new(parts()))
    }

    fn router(&self, peer: Option<&Peer>, scheduler: Option<&Scheduler>) -> Router {
        let checks = health::Checks {
            connect: self.stores.connect.clone(),
            tpas: self.stores.tpas.clone(),
            telemetry: self.telemetry.clone(),
        };
        let mut router = health::routes(checks);
        if let Some(api) = self.workspace_api(peer, scheduler) {
            router = router.merge(workspace_api::routes(api));
        }
        if let Some(tpas) = &self.tpas {
            router = router.merge(tpas::routes(tpas.clone()));
        }
        if self.config.roles.has(Role::Web) {
            router = router.merge(console::routes());
        }
        let edge_state = Arc::new(Edge {
            world: self.world.clone(),
            telemetry: self.telemetry.clone(),
            time_limit: self.config.limits.request,
        });
        let router = router
            .layer(DefaultBodyLimit::max(web::body::LIMIT))
            .layer(middleware::from_fn_with_state(edge_state, edge));
        #[cfg(feature = "bench")]
        let router = router.merge(super::no_op::routes());
        router
    }
}
