//! Building a server from its configuration.

use std::net::SocketAddr;
use std::sync::Arc;

use challenge_service::Verifiers;
use domain::catalogue::Catalogue;
use domain::{ClockAndRng, Environment, ProviderId};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use webhooks::{AddressPolicy, Sender};
use workspace_api::{KeyUses, Streams};

use super::connections::Connections;
use super::data_directory::DataDirectory;
use super::demo::Demo;
use super::missing_database::{self, MissingDatabase};
use super::options::{check_options, read_catalogue, read_verifiers};
use super::parts::Parts;
use super::server::Server;
use super::start_error::StartError;
use super::stores::Stores;
use super::traces_to::traces_to;
use super::{demo, listener, on_demand};
use crate::config::{Config, Role};
use crate::telemetry::Telemetry;
use crate::tls::ServerTls;

impl Server {
    /// Locks the data directory, runs the migrations, and listens.
    ///
    /// # Errors
    /// When one of these fails. The error says how to fix it.
    pub async fn start(config: Config, clock_and_rng: ClockAndRng) -> Result<Self, StartError> {
        build(config, clock_and_rng).await
    }
}

async fn build(config: Config, clock_and_rng: ClockAndRng) -> Result<Server, StartError> {
    check_options(&config)?;
    let (catalogue, verifiers) = verifiable_catalogue(&config, &clock_and_rng)?;
    let tls = config.tls_files().map(|files| ServerTls::new(files, &clock_and_rng)).transpose()?;
    let directory = data_directory(&config)?;
    if let Some(found) = missing_database::find(&config).await {
        let MissingDatabase { missing, living } = found;
        return Err(StartError::MissingDatabase { missing, living });
    }
    let telemetry = Telemetry::new(&config.roles, config.commit);
    let (sender, changes) = mpsc::unbounded_channel();

    let stores = Stores::open(&config, &telemetry).await?;
    // The demo's API key is shown once, so the steps that often fail come before it.
    let (listener, address) = listen(config.listen)?;
    let (demo, console_link) = prepare_demo(&config, &stores, &directory, &clock_and_rng).await?;

    let (traces, exporter) = traces_to(&config, &telemetry)?;
    let webhook_sender = webhook_sender(&config, &clock_and_rng)?;
    let mut parts = Parts {
        streams: Streams::new(telemetry.event_streams.clone()),
        key_uses: KeyUses::default(),
        config,
        clock_and_rng,
        catalogue,
        verifiers,
        telemetry,
        traces,
        challenge_service: None,
        webhook_sender,
        stores,
    };
    parts.challenge_service = parts.challenge_service(&directory, sender).await?;
    let handle = parts.handle()?;
    let scheduler = parts.scheduler(handle.as_ref());
    Ok(Server {
        address,
        listener,
        router: parts.router(address, handle.as_ref(), scheduler.as_ref()),
        background: parts.background(scheduler, exporter, changes),
        when: parts.config.background,
        on_demand: on_demand::channel(),
        limits: parts.config.limits,
        streams: parts.streams,
        tls,
        connections: Connections::new(parts.config.trusted_proxies),
        stores: parts.stores,
        demo,
        console_link,
        directory,
    })
}

/// The providers that somebody verifies, and who does.
fn verifiable_catalogue(
    config: &Config,
    clock_and_rng: &ClockAndRng,
) -> Result<(Arc<Catalogue>, Verifiers), StartError> {
    let catalogue = read_catalogue(config)?;
    let verifiers = read_verifiers(config, &catalogue, clock_and_rng)?;
    // A server without a challenge service of its own relies on the catalogue alone.
    let has_own = config.roles.has(Role::ChallengeService) && config.tpas_url.is_none();
    let is_verifiable = |id: &ProviderId| !has_own || verifiers.get(id).is_some();
    Ok((Arc::new(catalogue.limited_to(is_verifiable)), verifiers))
}

/// The listener and its address, with the port that the operating system chose if it was 0.
fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = listener::bind(address).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// The data directory. It is locked for this server if it contains embedded databases.
fn data_directory(config: &Config) -> Result<DataDirectory, StartError> {
    if config.workspace_location().is_shared() && config.challenge_location().is_shared() {
        DataDirectory::create(&config.data_dir)
    } else {
        DataDirectory::lock(&config.data_dir)
    }
}

/// Sends to webhooks: over https only in production, and inwards only where the operator allows it.
fn webhook_sender(config: &Config, clock_and_rng: &ClockAndRng) -> Result<Sender, StartError> {
    let https_only = config.environment == Environment::Production;
    let policy = AddressPolicy::new(config.webhook_allow.clone(), https_only);
    Sender::new(policy, clock_and_rng.clone()).map_err(|error| StartError::Tls(error.to_string()))
}

/// The demo workspace of a sandbox, if this start creates it, and the token of a link to its console.
async fn prepare_demo(
    config: &Config,
    stores: &Stores,
    directory: &DataDirectory,
    clock_and_rng: &ClockAndRng,
) -> Result<(Option<Demo>, Option<String>), StartError> {
    let store = stores.workspace.as_ref().filter(|_| config.demo);
    let Some(store) = store.filter(|_| config.environment == Environment::Sandbox) else {
        return Ok((None, None));
    };
    let demo = demo::create(store, directory, clock_and_rng).await?;
    let has_console = config.roles.has(Role::Api) && config.roles.has(Role::Web);
    if !has_console {
        return Ok((demo, None));
    }
    // A server that cannot write now may serve reads, and needs no link for that.
    let link = demo::console_link(store, directory, clock_and_rng).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "a link to the console could not be made");
        None
    });
    Ok((demo, link))
}
