//! Watches what metrics say about the stores, the backlog and the verifiers (§13). Nothing here
//! takes longer the more is stored.

use challenge_service::ChallengeService;
use db::{Database, StoreError};
use store_workspace::WorkspaceStore;

use crate::telemetry::{CHALLENGE, Telemetry, WORKSPACE};

/// What is watched: what this process has.
pub(super) struct HealthWatch {
    pub(super) workspace: Option<Database>,
    pub(super) challenge: Option<Database>,
    /// The store of what waits, if this process has the role `scheduler`.
    pub(super) backlog: Option<WorkspaceStore>,
    pub(super) challenge_service: Option<ChallengeService>,
    pub(super) telemetry: Telemetry,
}

impl HealthWatch {
    /// Probes each store as `/readyz` does, and looks at what waits and at the verifiers.
    pub(super) async fn run(&self) -> Result<(), StoreError> {
        let watched = &self.telemetry.watched;
        let mut result = Ok(());
        for (store, database) in [(WORKSPACE, &self.workspace), (CHALLENGE, &self.challenge)] {
            if let Some(database) = database {
                let probe = database.check().await;
                watched.probed(store, probe.is_ok());
                result = result.and(probe);
            }
        }
        if let Some(store) = &self.backlog {
            result = result.and(store.backlog().await.map(|seen| watched.saw_backlog(seen)));
        }
        if let Some(service) = &self.challenge_service {
            let verifiers = service.list_verifiers().await;
            result = result.and(verifiers.map(|seen| watched.saw_verifiers(seen)));
        }
        result
    }
}
