//! Workspaces, their keys and apps, and the production tests that they order (§2, §5, §9, §11).

mod api_keys;
mod apps;
mod challenge_requests;
mod demo;
mod hand_over;
mod idempotency;
mod observation;
mod workspaces;

use std::path::Path;

pub use api_keys::{CreateApiKey, RevokeApiKey};
pub use apps::{CreateApp, Created, SetProvider};
pub use challenge_requests::{CreateChallengeRequest, CreateOutcome, ListFilter, Page};
pub use demo::CreateDemo;
use domain::{ClientId, RequestId, WorkspaceId};
pub use hand_over::{FinishHandOver, HandOverEnd, LeaseDue, ReleaseLeases};
pub use idempotency::{Earlier, PruneIdempotencyRecords};
pub use observation::{RecordObservation, TakeObservations};
pub use workspaces::{CreateWorkspace, Workspace};

use crate::sqlite::Database;
use crate::{OpenError, StoreError, WriterMetrics};

mod migrations {
    refinery::embed_migrations!("migrations/sqlite/connect");
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
    /// Opens the store's file in this folder, makes it if it is missing, and brings its tables up to date.
    ///
    /// # Errors
    /// When the file cannot be opened, is no database, or was made by a newer fieldtest.
    pub fn open(folder: &Path, metrics: WriterMetrics) -> Result<Self, OpenError> {
        let path = folder.join("connect.sqlite3");
        let database = Database::open(&path, &migrations::migrations::runner(), metrics)?;
        Ok(Self { database })
    }

    /// Whether a read and a write get through.
    ///
    /// # Errors
    /// When one does not.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.database.check().await
    }

    /// Finishes what is waiting and closes the file.
    pub async fn close(&self) {
        self.database.close().await;
    }
}
