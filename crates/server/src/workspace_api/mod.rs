//! The Workspace API: what relying parties' engineers call (§5 to §8, §11).

mod apps;
mod caller;
mod key_uses;
mod known;
mod production_tests;
mod providers;
mod routes;
mod streams;
mod workspace;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use domain::app::App;
use domain::catalogue::Catalogue;
use domain::idempotency::IdempotencyKey;
use domain::{ClientId, Environment, WorkspaceId};
use store::connect::ConnectStore;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as OpenApiDocument;

pub(crate) use self::key_uses::KeyUses;
pub(crate) use self::known::Known;
pub(crate) use self::routes::routes;
pub(crate) use self::streams::Streams;
use crate::World;
use crate::leases::Leases;
use crate::nudge::News;
use crate::peer::Peer;
use crate::web::error::ApiError;
use crate::web::in_flight::InFlight;
use crate::web::rate_limit::RateLimits;

/// What the OpenAPI document says about the Workspace API.
pub(crate) fn documents() -> [OpenApiDocument; 4] {
    [
        workspace::Paths::openapi(),
        apps::Paths::openapi(),
        providers::Paths::openapi(),
        production_tests::Paths::openapi(),
    ]
}

/// What the handlers work with. Clones share it, and cost next to nothing: each request takes several.
#[derive(Clone)]
pub(crate) struct WorkspaceApi(Arc<Parts>);

impl Deref for WorkspaceApi {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What the Workspace API is made of.
pub(crate) struct Parts {
    pub(crate) store: ConnectStore,
    pub(crate) peer: Peer,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) environment: Environment,
    pub(crate) world: World,
    pub(crate) rate_limits: RateLimits,
    pub(crate) key_uses: KeyUses,
    pub(crate) known: Known,
    pub(crate) in_flight: InFlight<(WorkspaceId, IdempotencyKey)>,
    /// Says that there is a request to hand over, to be found in the table.
    pub(crate) new_request: News,
    /// How this process's scheduler takes new requests at once, if it has one.
    pub(crate) leases: Option<Leases>,
    /// Says that there are events to deliver.
    pub(crate) new_events: News,
    pub(crate) streams: Streams,
    /// How long a stream may be silent.
    pub(crate) heartbeat: Duration,
}

const NO_SUCH_APP: &str = "This workspace has no such app. Check the client id in the path.";

impl WorkspaceApi {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The caller's app, as it is now.
    async fn app(&self, workspace_id: &WorkspaceId, client_id: &ClientId) -> Result<App, ApiError> {
        self.store.app(workspace_id, client_id).await?.ok_or_else(|| ApiError::not_found(NO_SUCH_APP))
    }

    /// The caller's app, as it was at most a second ago: enough to let somebody in, not enough to refuse anything.
    async fn known_app(&self, workspace_id: &WorkspaceId, client_id: &ClientId) -> Result<Arc<App>, ApiError> {
        let found = self.known.app(&self.store, &self.world, (workspace_id.clone(), client_id.clone())).await?;
        found.ok_or_else(|| ApiError::not_found(NO_SUCH_APP))
    }

    /// Takes notice that an app was changed.
    fn forget_app(&self, workspace_id: &WorkspaceId, client_id: &ClientId) {
        self.known.forget_app(&(workspace_id.clone(), client_id.clone()));
    }
}
