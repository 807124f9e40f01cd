//! The stores that this process has open.

use db::{Database, WriterMetrics};
use scheduler::Scheduler;
use store_challenge::ChallengeStore;
use store_workspace::WorkspaceStore;

use super::start_error::StartError;
use super::{consistency, data_directory};
use crate::config::{Config, Role};
use crate::telemetry::Telemetry;

/// The stores that this process has open.
pub(super) struct Stores {
    pub(super) workspace: Option<WorkspaceStore>,
    pub(super) challenge: Option<ChallengeStore>,
}

impl Stores {
    /// Opens the stores that this process's roles need, and checks that they belong to this
    /// environment.
    pub(super) async fn open(config: &Config, telemetry: &Telemetry) -> Result<Self, StartError> {
        let Config { roles, .. } = config;
        let mut stores = Self { workspace: None, challenge: None };
        if roles.has(Role::Api) || roles.has(Role::Scheduler) {
            let (location, metrics) =
                (config.workspace_location(), telemetry.workspace_writer.clone());
            stores.workspace = Some(WorkspaceStore::open(&location, metrics).await?);
        }
        if roles.has(Role::ChallengeService) {
            let (location, metrics) =
                (config.challenge_location(), telemetry.challenge_writer.clone());
            stores.challenge = Some(ChallengeStore::open(&location, metrics).await?);
        }
        for database in stores.databases() {
            consistency::check_environment(database, config.environment).await?;
        }
        Ok(stores)
    }

    /// Releases the scheduler's leases, and closes the databases.
    pub(super) async fn close(self, scheduler: Option<&Scheduler>) {
        if let Some(scheduler) = scheduler {
            scheduler::leases::release_all(scheduler).await;
        }
        for database in self.databases() {
            database.close().await;
        }
    }

    fn databases(&self) -> impl Iterator<Item = &Database> {
        let workspace = self.workspace.as_ref().map(WorkspaceStore::database);
        workspace.into_iter().chain(self.challenge.as_ref().map(ChallengeStore::database))
    }
}

/// Runs the migrations of both stores. Returns the names of the databases, for people.
///
/// # Errors
/// When a database cannot be opened or migrated.
pub async fn migrate(config: &Config) -> Result<Vec<String>, StartError> {
    let (workspace, challenge) = (config.workspace_location(), config.challenge_location());
    if !(workspace.is_shared() && challenge.is_shared()) {
        data_directory::create_folder(&config.data_dir)?;
    }
    let workspace = WorkspaceStore::open(&workspace, WriterMetrics::default()).await?;
    let challenge = ChallengeStore::open(&challenge, WriterMetrics::default()).await?;
    let mut names = Vec::new();
    for database in [workspace.database(), challenge.database()] {
        database.close().await;
        names.push(database.name().to_owned());
    }
    Ok(names)
}
