//! Enables, requests, approves and disables the providers of an app (§11).

use std::collections::HashMap;

use db::{
    Row, Sql, StoreError, Transaction, Value, Write, apply_each_in_lock_order, write_columns,
};
use domain::app::ProviderState;
use domain::{ClientId, ProviderId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;

/// Changes the state of an app's provider.
#[derive(Clone, Debug)]
pub struct SetProvider {
    /// The app's workspace, or `None` for an operator, who can change the apps of all workspaces.
    pub workspace_id: Option<WorkspaceId>,
    /// The app.
    pub client_id: ClientId,
    /// The provider.
    pub provider_id: ProviderId,
    /// The new state, or `None` to disable the provider. A request for an enabled provider does not
    /// change its state.
    pub state: Option<ProviderState>,
    /// The present.
    pub now: Timestamp,
}

impl Write for SetProvider {
    /// `false` if the app does not exist, or is deleted.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        apply_each_in_lock_order(
            writes,
            |write| write.client_id.as_str(),
            async |write| write.set(transaction).await,
        )
        .await
    }
}

/// The state of an app's provider.
struct AppProvider<'a> {
    workspace_id: &'a WorkspaceId,
    client_id: &'a ClientId,
    provider_id: &'a ProviderId,
    state: ProviderState,
    now: Timestamp,
}

write_columns! {
    /// A row of `app_providers`.
    AppProviderRow(AppProvider<'_>) = |AppProvider {
        workspace_id, client_id, provider_id, state, now
    }| {
        workspace_id: Text = workspace_id.as_str(),
        client_id: Text = client_id.as_str(),
        provider_id: Text = provider_id.as_str(),
        enabled_at: Integer = *now,
        state: Text = state.as_str(),
    }
}

impl SetProvider {
    async fn set(&self, transaction: &Transaction<'_>) -> Result<bool, StoreError> {
        let Self { workspace_id, client_id, provider_id, state, now } = self;
        let Some(workspace_id) = lock(transaction, client_id, workspace_id.as_ref()).await? else {
            return Ok(false);
        };
        let changed = match state {
            Some(ProviderState::Enabled) => {
                enable(transaction, &workspace_id, client_id, [provider_id], *now).await?
            }
            Some(ProviderState::Requested) => self.request(transaction, &workspace_id).await?,
            None => self.disable(transaction, &workspace_id).await?,
        };
        if changed > 0 {
            set_updated_at(transaction, &workspace_id, client_id, *now).await?;
        }
        Ok(true)
    }

    async fn request(
        &self,
        transaction: &Transaction<'_>,
        workspace_id: &WorkspaceId,
    ) -> Result<u64, StoreError> {
        static SQL: Sql = Sql::each(
            "INSERT INTO app_providers {row of each}
            ON CONFLICT (workspace_id, client_id, provider_id) DO NOTHING",
            &AppProviderRow::COLUMNS,
        );
        let requested = AppProvider {
            workspace_id,
            client_id: &self.client_id,
            provider_id: &self.provider_id,
            state: ProviderState::Requested,
            now: self.now,
        };
        transaction.execute_each(&SQL, &[AppProviderRow::of(&requested)]).await
    }

    async fn disable(
        &self,
        transaction: &Transaction<'_>,
        workspace_id: &WorkspaceId,
    ) -> Result<u64, StoreError> {
        static SQL: Sql = Sql::new(
            "DELETE FROM app_providers
            WHERE workspace_id = $1 AND client_id = $2 AND provider_id = $3",
        );
        let key = [
            workspace_id.as_str().into(),
            self.client_id.as_str().into(),
            self.provider_id.as_str().into(),
        ];
        transaction.execute(&SQL, &key).await
    }
}

/// Locks an app of this workspace, or of any. Returns its workspace, or `None` if there is no such
/// app.
async fn lock(
    transaction: &Transaction<'_>,
    client_id: &ClientId,
    workspace_id: Option<&WorkspaceId>,
) -> Result<Option<WorkspaceId>, StoreError> {
    static SQL: Sql = Sql::new(
        "SELECT workspace_id FROM apps
        WHERE client_id = $1 AND (CAST($2 AS TEXT) IS NULL OR workspace_id = $2)
            AND deleted_at IS NULL {lock}",
    );
    let parameters = [client_id.as_str().into(), workspace_id.map(WorkspaceId::as_str).into()];
    Ok(transaction.query(&SQL, &parameters, |row| row.parsed("workspace_id")).await?.pop())
}

/// Sets the time of the app's last change.
async fn set_updated_at(
    transaction: &Transaction<'_>,
    workspace_id: &WorkspaceId,
    client_id: &ClientId,
    now: Timestamp,
) -> Result<(), StoreError> {
    static SQL: Sql =
        Sql::new("UPDATE apps SET updated_at = $1 WHERE workspace_id = $2 AND client_id = $3");
    let parameters = [now.into(), workspace_id.as_str().into(), client_id.as_str().into()];
    transaction.execute(&SQL, &parameters).await.map(drop)
}

/// Enables providers. Returns the number of those that were not enabled before.
pub(crate) async fn enable(
    transaction: &Transaction<'_>,
    workspace_id: &WorkspaceId,
    client_id: &ClientId,
    provider_ids: impl IntoIterator<Item = &ProviderId>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    static SQL: Sql = Sql::each(
        "INSERT INTO app_providers {row of each}
        ON CONFLICT (workspace_id, client_id, provider_id)
            DO UPDATE SET state = excluded.state, enabled_at = excluded.enabled_at
            WHERE app_providers.state = 'requested'",
        &AppProviderRow::COLUMNS,
    );
    let state = ProviderState::Enabled;
    let enabled: Vec<_> = provider_ids
        .into_iter()
        .map(|provider_id| AppProvider { workspace_id, client_id, provider_id, state, now })
        .collect();
    let rows: Vec<_> = enabled.iter().map(AppProviderRow::of).collect();
    transaction.execute_each(&SQL, &rows).await
}

/// Approves a provider that an app has requested.
#[derive(Clone, Debug)]
pub struct ApproveProvider {
    /// The app, of any workspace.
    pub client_id: ClientId,
    /// The provider.
    pub provider_id: ProviderId,
    /// The present.
    pub now: Timestamp,
}

impl Write for ApproveProvider {
    /// `false` if the app has not requested the provider, already has it, or is deleted.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE app_providers SET state = 'enabled', enabled_at = $1
            WHERE workspace_id = $2 AND client_id = $3 AND provider_id = $4
                AND state = 'requested'",
        );
        apply_each_in_lock_order(
            writes,
            |write| write.client_id.as_str(),
            async |Self { client_id, provider_id, now }| {
                let Some(workspace_id) = lock(transaction, client_id, None).await? else {
                    return Ok(false);
                };
                let parameters = [
                    (*now).into(),
                    workspace_id.as_str().into(),
                    client_id.as_str().into(),
                    provider_id.as_str().into(),
                ];
                if transaction.execute(&SQL, &parameters).await? == 0 {
                    return Ok(false);
                }
                set_updated_at(transaction, &workspace_id, client_id, *now).await?;
                Ok(true)
            },
        )
        .await
    }
}

impl WorkspaceStore {
    /// When each of an app's providers got its state.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn provider_times(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
    ) -> Result<HashMap<ProviderId, Timestamp>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT provider_id, enabled_at FROM app_providers
            WHERE workspace_id = $1 AND client_id = $2",
        );
        let app = [workspace_id.as_str().into(), client_id.as_str().into()].map(Value::into_owned);
        let read = |row: &Row<'_>| Ok((row.parsed("provider_id")?, row.time("enabled_at")?));
        Ok(self.database.query(&SQL, app.into(), read).await?.into_iter().collect())
    }

    /// Approves a provider that an app has requested (§11). Returns `false` if the app has not
    /// requested it, already has it, or is deleted.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn approve_provider(&self, write: ApproveProvider) -> Result<bool, StoreError> {
        self.database.write(write).await
    }

    /// Changes the state of an app's provider (§11). Returns `false` if there is no such app.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn set_provider(&self, write: SetProvider) -> Result<bool, StoreError> {
        self.database.write(write).await
    }
}
