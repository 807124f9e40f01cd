//! The Workspace API: what relying parties' engineers call (§5 to §8, §11).

mod apps;
mod caller;
mod key_uses;
mod lookup_cache;
mod production_tests;
mod providers;
mod routes;
mod streams;
mod workspace;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use db::{IdempotencyRecord, Lookup, StoreError};
use domain::app::App;
use domain::catalogue::Catalogue;
use domain::idempotency::IdempotencyKey;
use domain::{ClientId, Environment, WorkspaceId};
use store_workspace::{IdempotentResult, WorkspaceStore};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as OpenApiDocument;

pub use self::key_uses::KeyUses;
pub use self::lookup_cache::LookupCache;
pub use self::routes::routes;
pub use self::streams::Streams;
use challenge_service::handle::ChallengeServiceHandle;
use domain::ClockAndRng;
use http_support::error::ApiError;
use http_support::in_flight::InFlight;
use http_support::rate_limit::RateLimits;
use scheduler::LocalDispatch;

/// What the OpenAPI document says about the Workspace API.
pub fn documents() -> [OpenApiDocument; 4] {
    [
        workspace::Paths::openapi(),
        apps::Paths::openapi(),
        providers::Paths::openapi(),
        production_tests::Paths::openapi(),
    ]
}

/// What the handlers work with. Clones share it, and cost next to nothing: each request takes
/// several.
#[derive(Clone)]
pub struct WorkspaceApi(Arc<Parts>);

impl Deref for WorkspaceApi {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What the Workspace API is made of.
pub struct Parts {
    pub store: WorkspaceStore,
    pub challenge_service: ChallengeServiceHandle,
    pub catalogue: Arc<Catalogue>,
    pub environment: Environment,
    pub clock_and_rng: ClockAndRng,
    pub rate_limits: RateLimits,
    pub key_uses: KeyUses,
    pub lookup_cache: LookupCache,
    pub in_flight: InFlight<(WorkspaceId, IdempotencyKey)>,
    /// The way to the scheduler of this process, if it has one.
    pub local_dispatch: Option<LocalDispatch>,
    pub streams: Streams,
    /// How long a stream may be silent.
    pub heartbeat: Duration,
}

const NO_SUCH_APP: &str = "This workspace has no such app. Check the client id in the path.";

impl WorkspaceApi {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The caller's app, as it is now.
    async fn app(&self, workspace_id: &WorkspaceId, client_id: &ClientId) -> Result<App, ApiError> {
        self.store
            .app(workspace_id, client_id)
            .await?
            .ok_or_else(|| ApiError::not_found(NO_SUCH_APP))
    }

    /// The caller's app, as it was at most a second ago: enough to let somebody in, not enough to
    /// refuse anything.
    async fn known_app(
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

    /// What the workspace used this key for.
    async fn find_earlier(
        &self,
        workspace_id: &WorkspaceId,
        key: IdempotencyKey,
        lookup: Lookup,
    ) -> Result<Option<IdempotencyRecord<IdempotentResult>>, StoreError> {
        self.store.idempotency_record(workspace_id, &key, self.clock_and_rng.now(), lookup).await
    }

    /// Takes notice that an app was changed.
    fn forget_app(&self, workspace_id: &WorkspaceId, client_id: &ClientId) {
        self.lookup_cache.remove_app(&(workspace_id.clone(), client_id.clone()));
    }
}
