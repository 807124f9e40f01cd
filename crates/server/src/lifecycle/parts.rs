//! The services of this process, and what they share.

use std::net::SocketAddr;
use std::sync::Arc;

use challenge_service::handle::{self, ChallengeServiceHandle, RemoteChallengeService};
use challenge_service::{ChallengeService, JoinLimits, Verifiers};
use console::Console;
use db::Database;
use domain::catalogue::Catalogue;
use domain::challenge::Watch;
use domain::{ChallengeId, ClockAndRng};
use http_support::in_flight::InFlight;
use http_support::rate_limit::{RateLimit, RateLimits};
use http_support::request_layer::RequestLayer;
use scheduler::Scheduler;
use store_workspace::WorkspaceStore;
use tokio::sync::mpsc;
use traces::{Exporter, Traces};
use webhooks::{Sender, Webhooks};
use workspace_api::{KeyUses, LookupCache, Streams, WorkspaceApi};

use super::background::{Background, EventWatch};
use super::consistency;
use super::data_directory::DataDirectory;
use super::health_watch::HealthWatch;
use super::layered_router::LayeredRouter;
use super::start_error::StartError;
use super::stores::Stores;
use crate::config::{Config, Role};
use crate::telemetry::Telemetry;
use crate::{health, openapi};

/// The parts that the services of this process share.
pub(super) struct Parts {
    pub(super) config: Config,
    pub(super) clock_and_rng: ClockAndRng,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) verifiers: Verifiers,
    pub(super) telemetry: Telemetry,
    pub(super) traces: Traces,
    pub(super) key_uses: KeyUses,
    pub(super) streams: Streams,
    pub(super) challenge_service: Option<ChallengeService>,
    pub(super) webhook_sender: Sender,
    pub(super) stores: Stores,
}

impl Parts {
    /// The challenge service of this process, if it has one. It sends each changed challenge to
    /// `changes`.
    pub(super) async fn challenge_service(
        &self,
        directory: &DataDirectory,
        changes: mpsc::UnboundedSender<ChallengeId>,
    ) -> Result<Option<ChallengeService>, StartError> {
        let Self { config, clock_and_rng, catalogue, telemetry, .. } = self;
        let Some(store) = &self.stores.challenge else { return Ok(None) };
        let secrets =
            consistency::load_secrets(config, directory, store.database(), clock_and_rng).await?;
        Ok(Some(ChallengeService::new(challenge_service::Parts {
            store: store.clone(),
            catalogue: Arc::clone(catalogue),
            environment: config.environment,
            clock_and_rng: clock_and_rng.clone(),
            secrets,
            verifiers: self.verifiers.clone(),
            service_tokens: config
                .tpas_token
                .iter()
                .chain(&config.previous_tpas_token)
                .cloned()
                .collect(),
            public_url: config.public_url(),
            in_flight: InFlight::new(config.limits.repetition),
            changes,
            stamp_decisions: telemetry.stamp_decisions.clone(),
            verifications: telemetry.verifications.clone(),
            traces: self.traces.clone(),
            join_limits: (config.rate_limit != RateLimit::Off)
                .then(|| JoinLimits::new(clock_and_rng.clock())),
        })))
    }

    /// The handle of the challenge service: elsewhere if there is a URL, otherwise in this process.
    pub(super) fn handle(&self) -> Result<Option<ChallengeServiceHandle>, StartError> {
        let Config { tpas_url, tpas_token, limits, .. } = &self.config;
        let (Some(url), Some(token)) = (tpas_url, tpas_token) else {
            let in_process = |service| ChallengeServiceHandle::InProcess {
                service,
                read_timeout: limits.challenge_service_read,
            };
            return Ok(self.challenge_service.clone().map(in_process));
        };
        let timeouts =
            handle::Timeouts { hand_over: limits.hand_over, read: limits.challenge_service_read };
        RemoteChallengeService::new(url, token, timeouts, self.clock_and_rng.clone())
            .map(|remote| Some(ChallengeServiceHandle::Http(Arc::new(remote))))
            .map_err(|error| StartError::ChallengeServiceUrl {
                url: url.clone(),
                reason: error.to_string(),
            })
    }

    pub(super) fn scheduler(&self, handle: Option<&ChallengeServiceHandle>) -> Option<Scheduler> {
        let (store, handle) = self.stores.workspace.as_ref().zip(handle)?;
        self.config.roles.has(Role::Scheduler).then(|| {
            Scheduler::new(scheduler::Parts {
                store: store.clone(),
                challenge_service: handle.clone(),
                clock_and_rng: self.clock_and_rng.clone(),
                hand_overs: self.telemetry.hand_overs.clone(),
                traces: self.traces.clone(),
                service_health: self.telemetry.service_health.clone(),
                watch: self.watch(),
                holder: self.holder(),
                attempt_timeout: self.config.limits.hand_over,
                period: self.config.limits.hand_over_period,
            })
        })
    }

    /// How the scheduler learns of changes to challenges: with embedded databases they all happen
    /// in this process, which sends them.
    fn watch(&self) -> Watch {
        let is_shared = self.config.workspace_location().is_shared()
            || self.config.challenge_location().is_shared();
        if is_shared || self.config.tpas_url.is_some() { Watch::Polled } else { Watch::Notified }
    }

    /// A name for leases that no other scheduler has or had.
    fn holder(&self) -> String {
        let mut random = [0; 16];
        self.clock_and_rng.randomness().fill(&mut random);
        let random = hex::encode(random);
        let is_shared = self.config.workspace_location().is_shared();
        if is_shared { random } else { store_workspace::embedded_holder(&random) }
    }

    /// The database through which this process exchanges notifications with others. `None` if it is
    /// embedded, because there are no others.
    fn shared_database(&self) -> Option<Database> {
        let store = self.stores.workspace.as_ref()?;
        self.config.workspace_location().is_shared().then(|| store.database().clone())
    }

    /// The recorded uses of API keys, if this process has the role `api`.
    fn key_uses(&self) -> Option<(KeyUses, WorkspaceStore)> {
        let store = self.stores.workspace.as_ref().filter(|_| self.config.roles.has(Role::Api))?;
        Some((self.key_uses.clone(), store.clone()))
    }

    /// What delivers events to webhooks, if this process has the role `scheduler`.
    fn webhooks(&self) -> Option<Webhooks> {
        let store = self.stores.workspace.as_ref();
        let store = store.filter(|_| self.config.roles.has(Role::Scheduler))?;
        Some(Webhooks {
            store: store.clone(),
            sender: self.webhook_sender.clone(),
            clock_and_rng: self.clock_and_rng.clone(),
            holder: self.holder().into(),
            attempts: self.telemetry.webhook_attempts.clone(),
        })
    }

    /// The background work of this process.
    pub(super) fn background(
        &self,
        scheduler: Option<Scheduler>,
        exporter: Option<Exporter>,
        changes: mpsc::UnboundedReceiver<ChallengeId>,
    ) -> Background {
        Background {
            scheduler,
            challenge_service: self.challenge_service.clone(),
            relay: self.shared_database(),
            key_uses: self.key_uses(),
            webhooks: self.webhooks(),
            streams: self.streams(),
            health: Arc::new(self.health_watch()),
            exporter,
            telemetry: self.telemetry.clone(),
            changes,
        }
    }

    /// What the metrics say about the stores of this process.
    fn health_watch(&self) -> HealthWatch {
        let workspace = self.stores.workspace.as_ref();
        let backlog = workspace.filter(|_| self.config.roles.has(Role::Scheduler));
        HealthWatch {
            workspace: workspace.map(|store| store.database().clone()),
            challenge: self.stores.challenge.as_ref().map(|store| store.database().clone()),
            backlog: backlog.cloned(),
            challenge_service: self.challenge_service.clone(),
            telemetry: self.telemetry.clone(),
        }
    }

    /// The event streams, if this process has the role `api`.
    fn streams(&self) -> Option<EventWatch> {
        let store = self.stores.workspace.as_ref().filter(|_| self.config.roles.has(Role::Api))?;
        Some(EventWatch {
            streams: self.streams.clone(),
            store: store.clone(),
            clock_and_rng: self.clock_and_rng.clone(),
        })
    }

    fn workspace_api(
        &self,
        handle: Option<&ChallengeServiceHandle>,
        scheduler: Option<&Scheduler>,
    ) -> Option<WorkspaceApi> {
        let (store, handle) = self.stores.workspace.as_ref().zip(handle)?;
        let parts = || workspace_api::Parts {
            store: store.clone(),
            challenge_service: handle.clone(),
            catalogue: Arc::clone(&self.catalogue),
            environment: self.config.environment,
            clock_and_rng: self.clock_and_rng.clone(),
            rate_limits: RateLimits::new(self.config.rate_limit, self.clock_and_rng.clock()),
            key_uses: self.key_uses.clone(),
            lookup_cache: LookupCache::default(),
            in_flight: InFlight::new(self.config.limits.repetition),
            local_dispatch: scheduler.map(|scheduler| scheduler.local_dispatch().clone()),
            traces: self.traces.clone(),
            streams: self.streams.clone(),
            heartbeat: self.config.limits.heartbeat,
            public_url: self.config.public_url(),
            contact: self.config.contact.clone(),
            webhook_sender: self.webhook_sender.clone(),
        };
        self.config.roles.has(Role::Api).then(|| WorkspaceApi::new(parts()))
    }

    /// The tests that people can take, for the welcome page.
    fn open_tests(&self) -> Option<console::OpenTests> {
        let service = self.challenge_service.clone()?;
        Some(Arc::new(move || {
            let service = service.clone();
            Box::pin(async move { challenge_service::pages::open_tests(&service).await })
        }))
    }

    pub(super) fn router(
        &self,
        address: SocketAddr,
        handle: Option<&ChallengeServiceHandle>,
        scheduler: Option<&Scheduler>,
    ) -> LayeredRouter {
        let base_url = openapi::base_url(&self.config, address);
        let checks = health::Checks {
            workspace: self.stores.workspace.clone(),
            challenge: self.stores.challenge.clone(),
            telemetry: self.telemetry.clone(),
            data_directory: self.config.data_dir.as_path().into(),
            clock_and_rng: self.clock_and_rng.clone(),
        };
        let mut router = health::routes(checks)
            .merge(openapi::routes(&base_url))
            .merge(http_support::page::assets::routes());
        let api = self.workspace_api(handle, scheduler).map(workspace_api::routes);
        if self.config.roles.has(Role::Web)
            && let Some((api, store)) = api.clone().zip(self.stores.workspace.clone())
        {
            router = router.merge(console::console_routes(Console::new(console::Parts {
                api,
                store,
                clock_and_rng: self.clock_and_rng.clone(),
                environment: self.config.environment,
                public_url: self.config.public_url(),
            })));
        }
        if let Some(api) = api {
            router = router.merge(api);
        }
        if let Some(service) = &self.challenge_service {
            router = router.merge(challenge_service::routes(service.clone()));
        }
        if self.config.roles.has(Role::Web) {
            router = router.merge(console::routes(self.open_tests()));
        }
        let layer = RequestLayer {
            clock_and_rng: self.clock_and_rng.clone(),
            metrics: self.telemetry.requests.clone(),
            timeout: self.config.limits.request,
            trusted_proxies: self.config.trusted_proxies.clone(),
            logs_client_address: self.config.log_client_address,
        };
        LayeredRouter::new(router, layer)
    }
}
