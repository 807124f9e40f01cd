//! The state that all handlers share.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use challenge_service::handle::ChallengeServiceHandle;
use db::{IdempotencyRecord, Lookup, StoreError};
use domain::app::App;
use domain::catalogue::Catalogue;
use domain::idempotency::IdempotencyKey;
use domain::{ClientId, ClockAndRng, Environment, WorkspaceId};
use http_support::error::ApiError;
use http_support::in_flight::InFlight;
use http_support::public_url::PublicUrl;
use http_support::rate_limit::RateLimits;
use scheduler::LocalDispatch;
use store_workspace::{IdempotentResult, WorkspaceStore};
use traces::Traces;

use crate::key_uses::KeyUses;
use crate::lookup_cache::LookupCache;
use crate::streams::Streams;

/// The state of the handlers. Clones share it and are cheap, because each request clones it.
#[derive(Clone)]
pub struct WorkspaceApi(Arc<Parts>);

impl Deref for WorkspaceApi {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The dependencies of the Workspace API.
pub struct Parts {
    /// The store of workspaces, apps, keys and challenge requests.
    pub store: WorkspaceStore,
    /// The challenge service, which closes challenges and answers reports.
    pub challenge_service: ChallengeServiceHandle,
    /// The providers of this deployment.
    pub catalogue: Arc<Catalogue>,
    /// Sandbox or production: it decides which keys and providers are valid.
    pub environment: Environment,
    /// Time and randomness.
    pub clock_and_rng: ClockAndRng,
    /// Counts the requests of each API key.
    pub rate_limits: RateLimits,
    /// Records when API keys are used.
    pub key_uses: KeyUses,
    /// Recently read API keys and apps.
    pub lookup_cache: LookupCache,
    /// Idempotency keys whose first request is in flight, by workspace.
    pub in_flight: InFlight<(WorkspaceId, IdempotencyKey)>,
    /// Submits new requests to the scheduler of this process, if it has one.
    pub local_dispatch: Option<LocalDispatch>,
    /// Follow each order.
    pub traces: Traces,
    /// The open event streams of this process.
    pub streams: Streams,
    /// How long an event stream may be silent before a heartbeat is sent.
    pub heartbeat: Duration,
    /// The URL at which people reach this deployment.
    pub public_url: PublicUrl,
    /// Whom to write to about a contract with a provider.
    pub contact: Option<String>,
    /// Sends test events to webhooks, and knows where they may go.
    pub webhook_sender: webhooks::Sender,
}

pub(crate) const NO_SUCH_APP: &str =
    "This workspace has no such app. Check the client id in the path.";

impl WorkspaceApi {
    /// The state for [`crate::routes`].
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The caller's app, read from the database.
    pub(crate) async fn app(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
    ) -> Result<App, ApiError> {
        self.store
            .app(workspace_id, client_id)
            .await?
            .ok_or_else(|| ApiError::not_found(NO_SUCH_APP))
    }

    /// The caller's app, as it was at most a second ago. A handler must not refuse a request
    /// because of what the cached app contains.
    pub(crate) async fn cached_app(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
    ) -> Result<Arc<App>, ApiError> {
        let found = self
            .lookup_cache
            .app(&self.store, &self.clock_and_rng, (workspace_id.clone(), client_id.clone()))
            .await?;
        found.ok_or_else(|| ApiError::not_found(NO_SUCH_APP))
    }

    /// The earlier request of the workspace with this idempotency key.
    pub(crate) async fn find_earlier(
        &self,
        workspace_id: &WorkspaceId,
        key: IdempotencyKey,
        lookup: Lookup,
    ) -> Result<Option<IdempotencyRecord<IdempotentResult>>, StoreError> {
        self.store.idempotency_record(workspace_id, &key, self.clock_and_rng.now(), lookup).await
    }

    /// Removes an app from the cache, because it was changed.
    pub(crate) fn evict_app(&self, workspace_id: &WorkspaceId, client_id: &ClientId) {
        self.lookup_cache.remove_app(&(workspace_id.clone(), client_id.clone()));
    }
}
