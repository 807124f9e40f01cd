//! Workspaces, their keys and apps, and the production tests that they order (§2, §5, §9, §11).

mod api_keys;
mod app_records;
mod apps;
mod challenge_requests;
mod demo;
mod event_reads;
mod events;
mod hand_over;
mod idempotency;
mod key_records;
mod list;
mod observation;
mod overview;
mod registration;
mod rotation;
mod transitions;
mod workspaces;

pub use api_keys::{CreateApiKey, KeyUse, RecordKeyUses, RevokeApiKey};
pub use app_records::{AppPage, AppRecord, DeleteApp, UpdateApp};
pub use apps::{ApproveProvider, CreateApp, Created, SetProvider};
pub use challenge_requests::{CreateChallengeRequest, CreateOutcome, LeaseAtBirth};
pub use demo::CreateDemo;
use domain::{ClientId, RequestId, WorkspaceId};
pub use event_reads::Followed;
pub use events::PruneEvents;
pub use hand_over::{FinishHandOver, HandOverEnd, LeaseDue, ReleaseLeases};
pub use idempotency::{Earlier, PruneIdempotencyRecords};
pub use key_records::KeyRecord;
pub use list::{ListFilter, PART, Page};
pub use observation::{RecordObservation, TakeObservations};
pub use overview::AppOverview;
pub use registration::{RegisterApp, Registered};
pub use rotation::{RotateClientSecret, Rotated};
pub use transitions::{CancelRequest, FinishRecall, RetryRequest, TakeRecalls};
pub use workspaces::{CreateWorkspace, Workspace};

use crate::database::{Database, Migrations};
use crate::location::{Location, Place};
use crate::{Call, OpenError, StoreError, Wake, WriterMetrics, wake};

mod sqlite_migrations {
    refinery::embed_migrations!("migrations/sqlite/connect");
}

mod postgres_migrations {
    refinery::embed_migrations!("migrations/postgres/connect");
}

pub(crate) const PLACE: Place = Place { file: "connect.sqlite3", schema: "fieldtest_connect" };

/// All tables of this store, those that others refer to first.
pub(crate) const TABLES: &[&str] = &[
    "deployment_facts",
    "workspaces",
    "api_keys",
    "apps",
    "app_providers",
    "challenge_requests",
    "idempotency_records",
    "event_sequences",
    "events",
    TOTALS,
];

/// What follows from the other tables: nothing but triggers writes it.
pub(crate) const TOTALS: &str = "production_test_totals";

/// When the newest row was made that is quickly found: requests are found by their challenges, whose ids ascend.
pub(crate) const NEWEST: &str = "SELECT MAX(moment) FROM (
    SELECT MAX(created_at) AS moment FROM workspaces
    UNION ALL SELECT MAX(created_at) FROM api_keys
    UNION ALL SELECT created_at FROM (
        SELECT created_at FROM challenge_requests WHERE challenge_id IS NOT NULL ORDER BY challenge_id DESC LIMIT 1))";

pub(crate) fn migrations() -> Migrations {
    Migrations { sqlite: sqlite_migrations::migrations::runner(), postgres: postgres_migrations::migrations::runner() }
}

/// The store of workspaces and production tests. Clones share it.
#[derive(Clone)]
pub struct ConnectStore {
    database: Database,
}

/// Which challenge request: its whole key, tenant first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// The app that it is for.
    pub client_id: ClientId,
    /// Its id.
    pub id: RequestId,
}

impl From<&domain::challenge_request::ChallengeRequest> for RequestKey {
    fn from(request: &domain::challenge_request::ChallengeRequest) -> Self {
        Self { workspace_id: request.workspace_id.clone(), client_id: request.client_id.clone(), id: request.id }
    }
}

impl ConnectStore {
    /// Opens the store's tables, makes them if they are missing, and brings them up to date.
    ///
    /// # Errors
    /// When the database cannot be opened, is no database, or was made by a newer fieldtest.
    pub async fn open(location: &Location, metrics: WriterMetrics) -> Result<Self, OpenError> {
        Ok(Self { database: Database::open(location, PLACE, migrations(), metrics).await? })
    }

    /// The tables, and what every store can do with its own.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Tells other processes. Best effort: they look now and then anyway.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn call(&self, call: Call) -> Result<(), StoreError> {
        wake::call(&self.database, call).await
    }

    /// Hears [`ConnectStore::call`], from whichever process.
    #[must_use]
    pub fn woken(&self) -> Wake {
        Wake::of(&self.database)
    }
}
