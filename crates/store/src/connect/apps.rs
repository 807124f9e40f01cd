//! Apps and the providers that are enabled for them (§11).

use std::collections::BTreeSet;

use domain::api_key::SecretHash;
use domain::app::App;
use domain::{ClientId, ProviderId, Timestamp, WorkspaceId};
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::ConnectStore;
use crate::StoreError;
use crate::sqlite::{RowExt, Unit, prepare};

/// Registers an app, with the providers that are enabled for it.
#[derive(Clone, Debug)]
pub struct CreateApp {
    /// The app.
    pub app: App,
    /// The hash of its secret.
    pub client_secret_hash: SecretHash,
    /// What may still be shown of its secret: `****1a2b`.
    pub client_secret_preview: String,
}

/// Whether something could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It was made.
    Yes,
    /// The name that it should have is taken.
    Taken,
    /// What it should belong to does not exist.
    NoOwner,
}

impl Unit for CreateApp {
    type Outcome = Created;

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Created> {
        const SQL: &str = "
            INSERT INTO apps (workspace_id, client_id, name, client_secret_hash, client_secret_preview, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $6)
            ON CONFLICT (client_id) DO NOTHING";
        let App { workspace_id, client_id, name, enabled_providers, created_at } = &self.app;
        let owner = prepare(transaction, "SELECT 1 FROM workspaces WHERE id = $1")?.exists((workspace_id.as_str(),))?;
        if !owner {
            return Ok(Created::NoOwner);
        }
        let inserted = prepare(transaction, SQL)?.execute((
            workspace_id.as_str(),
            client_id.as_str(),
            name,
            self.client_secret_hash.as_bytes(),
            &self.client_secret_preview,
            created_at.as_millis(),
        ))?;
        if inserted == 0 {
            return Ok(Created::Taken);
        }
        for provider_id in enabled_providers {
            enable(transaction, workspace_id, client_id, provider_id, *created_at)?;
        }
        Ok(Created::Yes)
    }
}

/// Enables or disables a provider for an app.
#[derive(Clone, Debug)]
pub struct SetProvider {
    /// The app, in whichever workspace.
    pub client_id: ClientId,
    /// The provider.
    pub provider_id: ProviderId,
    /// Whether it should be enabled.
    pub enabled: bool,
    /// When this happens.
    pub now: Timestamp,
}

impl Unit for SetProvider {
    /// Whether there is such an app.
    type Outcome = bool;

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
        let Self { client_id, provider_id, enabled, now } = self;
        let workspace_id: Option<WorkspaceId> =
            prepare(transaction, "UPDATE apps SET updated_at = $1 WHERE client_id = $2 RETURNING workspace_id")?
                .query_row((now.as_millis(), client_id.as_str()), |row| row.parsed("workspace_id"))
                .optional()?;
        let Some(workspace_id) = workspace_id else { return Ok(false) };
        if *enabled {
            enable(transaction, &workspace_id, client_id, provider_id, *now)?;
        } else {
            prepare(
                transaction,
                "DELETE FROM app_providers WHERE workspace_id = $1 AND client_id = $2 AND provider_id = $3",
            )?
            .execute((workspace_id.as_str(), client_id.as_str(), provider_id.as_str()))?;
        }
        Ok(true)
    }
}

fn enable(
    transaction: &Transaction<'_>,
    workspace_id: &WorkspaceId,
    client_id: &ClientId,
    provider_id: &ProviderId,
    now: Timestamp,
) -> rusqlite::Result<()> {
    const SQL: &str = "
        INSERT INTO app_providers (workspace_id, client_id, provider_id, enabled_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace_id, client_id, provider_id) DO NOTHING";
    prepare(transaction, SQL)?.execute((
        workspace_id.as_str(),
        client_id.as_str(),
        provider_id.as_str(),
        now.as_millis(),
    ))?;
    Ok(())
}

impl ConnectStore {
    /// Registers an app.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn create_app(&self, unit: CreateApp) -> Result<Created, StoreError> {
        self.database.write(unit).await
    }

    /// Enables or disables a provider for an app; `false` when there is no such app.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn set_provider(&self, unit: SetProvider) -> Result<bool, StoreError> {
        self.database.write(unit).await
    }

    /// The workspace's app of this name, if it has one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn app(&self, workspace_id: &WorkspaceId, client_id: &ClientId) -> Result<Option<App>, StoreError> {
        let (workspace_id, client_id) = (workspace_id.clone(), client_id.clone());
        self.database.read(move |connection| read_app(connection, workspace_id, client_id)).await
    }
}

fn read_app(connection: &Connection, workspace_id: WorkspaceId, client_id: ClientId) -> rusqlite::Result<Option<App>> {
    const APP: &str = "SELECT name, created_at FROM apps WHERE workspace_id = $1 AND client_id = $2";
    const PROVIDERS: &str = "SELECT provider_id FROM app_providers WHERE workspace_id = $1 AND client_id = $2";
    let key = (workspace_id.as_str(), client_id.as_str());
    let app: Option<(String, Timestamp)> =
        prepare(connection, APP)?.query_row(key, |row| Ok((row.get("name")?, row.time("created_at")?))).optional()?;
    let Some((name, created_at)) = app else { return Ok(None) };
    let enabled_providers: BTreeSet<ProviderId> =
        prepare(connection, PROVIDERS)?.query_map(key, |row| row.parsed("provider_id"))?.collect::<Result<_, _>>()?;
    Ok(Some(App { workspace_id, client_id, name, enabled_providers, created_at }))
}
