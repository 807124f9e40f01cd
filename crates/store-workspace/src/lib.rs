//! Workspaces, their keys and apps, and the production tests that they order (§2, §5, §9, §11).

mod api_keys;
mod apps;
mod challenge_requests;
mod demo;
mod events;
mod idempotency;
mod workspaces;

use db::{Database, Location, OpenError, Schema, WriterMetrics};
use domain::{ClientId, RequestId, WorkspaceId};

pub use self::api_keys::{CreateApiKey, KeyUse, RecordKeyUses, RevokeApiKey};
pub use self::apps::overview::AppOverview;
pub use self::apps::records::{AppPage, AppRecord, DeleteApp, UpdateApp};
pub use self::apps::registration::{RegisterApp, Registered};
pub use self::apps::rotation::{RotateClientSecret, Rotated};
pub use self::apps::{ApproveProvider, CreateApp, Created, SetProvider};
pub use self::challenge_requests::hand_over::{
    FinishHandOver, HandOverEnd, LeaseDue, ReleaseLease, ReleaseLeases,
};
pub use self::challenge_requests::list::{ListFilter, PART, Page};
pub use self::challenge_requests::observation::{RecordObservation, TakeObservations};
pub use self::challenge_requests::transitions::{
    CancelRequest, FinishRecall, RetryRequest, TakeRecalls,
};
pub use self::challenge_requests::{CreateChallengeRequest, CreateOutcome, Lease};
pub use self::demo::CreateDemo;
pub use self::events::PruneEvents;
pub use self::events::reads::Followed;
pub use self::idempotency::{Made, PruneIdempotencyRecords};
pub use self::workspaces::{CreateWorkspace, Workspace};

/// The tables of this store.
pub static SCHEMA: Schema = Schema {
    file: "connect.sqlite3",
    postgres: "fieldtest_connect",
    tables: &[
        "deployment_facts",
        "workspaces",
        "api_keys",
        "apps",
        "app_providers",
        "challenge_requests",
        "idempotency_records",
        "event_sequences",
        "events",
        "production_test_totals",
    ],
    derived_tables: &["production_test_totals"],
    // Requests are found by their challenges, whose ids ascend.
    newest_row: "SELECT MAX(moment) FROM (
        SELECT MAX(created_at) AS moment FROM workspaces
        UNION ALL SELECT MAX(created_at) FROM api_keys
        UNION ALL SELECT created_at FROM (
            SELECT created_at FROM challenge_requests WHERE challenge_id IS NOT NULL
            ORDER BY challenge_id DESC LIMIT 1))",
    appended_keys: Some("SELECT id, workspace_id, key FROM idempotency_records ORDER BY id"),
    migrations: db::migrations![
        "V1__production_tests",
        "V2__deployment_facts",
        "V3__recalls",
        "V4__provider_states",
        "V5__apps",
        "V6__sealed_secrets",
        "V7__key_uses",
        "V8__events",
        "V9__appended_idempotency_records",
        "V10__leases_are_pending",
        "V11__totals",
        "V12__idempotency_record_ids",
    ],
};

/// The store of workspaces and production tests. Clones share it.
#[derive(Clone)]
pub struct WorkspaceStore {
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
        Self {
            workspace_id: request.workspace_id.clone(),
            client_id: request.client_id.clone(),
            id: request.id,
        }
    }
}

impl WorkspaceStore {
    /// Opens the store's tables, makes them if they are missing, and brings them up to date.
    ///
    /// # Errors
    /// When the database cannot be opened, is no database, or was made by a newer fieldtest.
    pub async fn open(location: &Location, metrics: WriterMetrics) -> Result<Self, OpenError> {
        Ok(Self { database: Database::open(location, &SCHEMA, metrics).await? })
    }

    /// The tables, and what every store can do with its own.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }
}
