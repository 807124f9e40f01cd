//! The tables of the Workspace API: workspaces, their API keys and apps, and the production tests
//! that they order (§2, §5, §9, §11).

mod api_keys;
mod apps;
mod backlog;
mod challenge_requests;
mod console_tokens;
mod demo;
mod events;
mod idempotency;
mod webhooks;
mod workspaces;

use db::{Database, Location, OpenError, Schema, WriterMetrics};

pub use db::PruneIdempotencyRecords;

pub use crate::api_keys::create::CreateApiKey;
pub use crate::api_keys::record_uses::{KeyUse, RecordKeyUses};
pub use crate::api_keys::revoke::RevokeApiKey;
pub use crate::apps::create::{CreateApp, CreateAppOutcome};
pub use crate::apps::delete::DeleteApp;
pub use crate::apps::overview::AppOverview;
pub use crate::apps::providers::{ApproveProvider, SetProvider};
pub use crate::apps::read::{AppPage, AppRecord};
pub use crate::apps::register::{RegisterApp, RegisterAppOutcome};
pub use crate::apps::rotate_secret::{RotateClientSecret, RotateSecretOutcome};
pub use crate::apps::sweep::SweepDeletedApp;
pub use crate::apps::update::{AppChange, UpdateApp};
pub use crate::backlog::Backlog;
pub use crate::challenge_requests::RequestKey;
pub use crate::challenge_requests::cancel::CancelRequest;
pub use crate::challenge_requests::create::{CreateChallengeRequest, CreateOutcome, Lease};
pub use crate::challenge_requests::finish_hand_over::{FinishHandOver, HandOverEnd};
pub use crate::challenge_requests::lease::{
    AppAtHandOver, LeaseDue, ReleaseLease, embedded_holder,
};
pub use crate::challenge_requests::list::{LIST_BATCH, ListFilter, Page};
pub use crate::challenge_requests::recall::{FinishRecall, TakeRecalls};
pub use crate::challenge_requests::record_observation::{RecordObservation, Told};
pub use crate::challenge_requests::retry::RetryRequest;
pub use crate::challenge_requests::take_observations::TakeObservations;
pub use crate::challenge_requests::update::UpdateRequest;
pub use crate::console_tokens::create::CreateConsoleToken;
pub use crate::console_tokens::read::{ConsoleToken, SharedTestLink};
pub use crate::console_tokens::remove::{RemoveConsoleToken, UseConsoleLink};
pub use crate::console_tokens::{CONSOLE_LINK_VALIDITY, ConsoleTokenKind};
pub use crate::demo::CreateDemo;
pub use crate::events::prune::PruneEvents;
pub use crate::events::read::FollowedApp;
pub use crate::idempotency::IdempotentResult;
pub use crate::webhooks::configure::ConfigureWebhook;
pub use crate::webhooks::deliveries::DeliveryRecord;
pub use crate::webhooks::finish::{DeliveryResult, DeliveryState, FinishDeliveries};
pub use crate::webhooks::prune::PruneDeliveries;
pub use crate::webhooks::read::Webhook;
pub use crate::webhooks::redeliver::Redeliver;
pub use crate::webhooks::rotate::{RotateWebhookSecret, RotateWebhookSecretOutcome};
pub use crate::webhooks::take::{DueDelivery, ExtendWebhookLease, TakeWebhooks};
pub use crate::workspaces::{CreateWorkspace, Workspace};

/// The tables of the Workspace API.
pub static SCHEMA: Schema = Schema {
    file: "connect.sqlite3",
    postgres: "fieldtest_connect",
    tables: &[
        "deployment_facts",
        "workspaces",
        "api_keys",
        "console_tokens",
        "apps",
        "app_providers",
        "challenge_requests",
        "idempotency_records",
        "event_sequences",
        "events",
        "production_test_totals",
        "webhooks",
        "webhook_deliveries",
    ],
    derived_tables: &["production_test_totals"],
    // The newest request is found by its challenge, whose ids ascend.
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
        "V13__app_sweeps",
        "V14__hot_rows",
        "V15__recalls_of_failed",
        "V16__requested_ends",
        "V17__console_tokens",
        "V18__webhooks",
        "V19__app_logos",
    ],
};

/// The store of workspaces and production tests. Clones share it.
#[derive(Clone)]
pub struct WorkspaceStore {
    database: Database,
}

impl WorkspaceStore {
    /// Opens the tables of the Workspace API. Creates them if they are missing, and migrates them.
    ///
    /// # Errors
    /// If the database cannot be opened, is not a database, or was migrated by a newer fieldtest.
    pub async fn open(location: &Location, metrics: WriterMetrics) -> Result<Self, OpenError> {
        Ok(Self { database: Database::open(location, &SCHEMA, metrics).await? })
    }

    /// The database with the tables of the Workspace API.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }
}
