//! Apps and the providers that are enabled for them (§11).

pub(crate) mod overview;
pub(crate) mod records;
pub(crate) mod registration;
pub(crate) mod rotation;

use db::{Kind, Sql, StoreError, Transaction, Value, Write, apply_each, apply_each_in_lock_order};
use domain::api_key::SecretHash;
use domain::app::{App, ProviderState};
use domain::{ClientId, ProviderId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;
use crate::apps::records::read_app;

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

impl Write for CreateApp {
    type Outcome = Created;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Created>, StoreError> {
        apply_each(writes, async |write| write.create(transaction).await).await
    }
}

impl CreateApp {
    pub(crate) async fn create(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<Created, StoreError> {
        static OWNER: Sql = Sql::new("SELECT id FROM workspaces WHERE id = $1");
        static INSERT: Sql = Sql::new(
            "INSERT INTO apps (workspace_id, client_id, name, client_secret_hash, client_secret_preview, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $6)
            ON CONFLICT (client_id) DO NOTHING",
        );
        let App {
            workspace_id,
            client_id,
            name,
            enabled_providers,
            requested_providers: _,
            created_at,
        } = &self.app;
        let owner = transaction.query(&OWNER, &[workspace_id.as_str().into()], |_| Ok(())).await?;
        if owner.is_empty() {
            return Ok(Created::NoOwner);
        }
        let parameters = [
            workspace_id.as_str().into(),
            client_id.as_str().into(),
            name.into(),
            self.client_secret_hash.as_bytes().into(),
            (&self.client_secret_preview).into(),
            (*created_at).into(),
        ];
        if transaction.execute(&INSERT, &parameters).await? == 0 {
            return Ok(Created::Taken);
        }
        enable(transaction, workspace_id, client_id, enabled_providers, *created_at).await?;
        Ok(Created::Yes)
    }
}

/// Enables a provider for an app, asks for it, or disables it.
#[derive(Clone, Debug)]
pub struct SetProvider {
    /// Whose app it is, where a caller is served; `None` for the operator, whose all of them are.
    pub workspace_id: Option<WorkspaceId>,
    /// The app.
    pub client_id: ClientId,
    /// The provider.
    pub provider_id: ProviderId,
    /// How far it is to be; `None` disables it. What is enabled already stays so when it is asked
    /// for.
    pub state: Option<ProviderState>,
    /// When this happens.
    pub now: Timestamp,
}

impl Write for SetProvider {
    /// Whether there is such an app.
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
            touch(transaction, &workspace_id, client_id, *now).await?;
        }
        Ok(true)
    }

    async fn request(
        &self,
        transaction: &Transaction<'_>,
        workspace_id: &WorkspaceId,
    ) -> Result<u64, StoreError> {
        static SQL: Sql = Sql::new(
            "INSERT INTO app_providers (workspace_id, client_id, provider_id, enabled_at, state)
            VALUES ($1, $2, $3, $4, 'requested') ON CONFLICT (workspace_id, client_id, provider_id) DO NOTHING",
        );
        let Self { client_id, provider_id, now, .. } = self;
        let row = [
            workspace_id.as_str().into(),
            client_id.as_str().into(),
            provider_id.as_str().into(),
            (*now).into(),
        ];
        transaction.execute(&SQL, &row).await
    }

    async fn disable(
        &self,
        transaction: &Transaction<'_>,
        workspace_id: &WorkspaceId,
    ) -> Result<u64, StoreError> {
        static SQL: Sql = Sql::new(
            "DELETE FROM app_providers WHERE workspace_id = $1 AND client_id = $2 AND provider_id = $3",
        );
        let key = [
            workspace_id.as_str().into(),
            self.client_id.as_str().into(),
            self.provider_id.as_str().into(),
        ];
        transaction.execute(&SQL, &key).await
    }
}

/// Locks an app, in this workspace or in any; whose it is, unless it is not there.
async fn lock(
    transaction: &Transaction<'_>,
    client_id: &ClientId,
    workspace_id: Option<&WorkspaceId>,
) -> Result<Option<WorkspaceId>, StoreError> {
    static SQL: Sql = Sql::new(
        "SELECT workspace_id FROM apps
        WHERE client_id = $1 AND (CAST($2 AS TEXT) IS NULL OR workspace_id = $2) AND deleted_at IS NULL {lock}",
    );
    let parameters = [client_id.as_str().into(), workspace_id.map(WorkspaceId::as_str).into()];
    Ok(transaction.query(&SQL, &parameters, |row| row.parsed("workspace_id")).await?.pop())
}

/// Says that an app has changed.
async fn touch(
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

/// Enables providers; how many were not enabled before.
async fn enable(
    transaction: &Transaction<'_>,
    workspace_id: &WorkspaceId,
    client_id: &ClientId,
    provider_ids: impl IntoIterator<Item = &ProviderId>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    static SQL: Sql = Sql::each(
        "INSERT INTO app_providers (workspace_id, client_id, provider_id, enabled_at, state)
        {row of each}
        ON CONFLICT (workspace_id, client_id, provider_id)
            DO UPDATE SET state = excluded.state, enabled_at = excluded.enabled_at WHERE app_providers.state = 'requested'",
        &[
            ("workspace_id", Kind::Text),
            ("client_id", Kind::Text),
            ("provider_id", Kind::Text),
            ("enabled_at", Kind::Integer),
            ("state", Kind::Text),
        ],
    );
    let row = |provider_id: &'_ ProviderId| -> [Value<'static>; 5] {
        [
            workspace_id.as_str().to_owned().into(),
            client_id.as_str().to_owned().into(),
            provider_id.as_str().to_owned().into(),
            now.into(),
            "enabled".into(),
        ]
    };
    let rows: Vec<_> = provider_ids.into_iter().map(row).collect();
    transaction.execute_each(&SQL, &rows).await
}

/// Approves a provider that an app has asked for.
#[derive(Clone, Debug)]
pub struct ApproveProvider {
    /// The app, in whichever workspace.
    pub client_id: ClientId,
    /// The provider.
    pub provider_id: ProviderId,
    /// When.
    pub now: Timestamp,
}

impl Write for ApproveProvider {
    /// Whether it was waiting for that.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE app_providers SET state = 'enabled', enabled_at = $1
            WHERE workspace_id = $2 AND client_id = $3 AND provider_id = $4 AND state = 'requested'",
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
                touch(transaction, &workspace_id, client_id, *now).await?;
                Ok(true)
            },
        )
        .await
    }
}

impl WorkspaceStore {
    /// Approves a provider that an app has asked for; `false` when it has not, has it already, or
    /// is deleted.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn approve_provider(&self, write: ApproveProvider) -> Result<bool, StoreError> {
        self.database.write(write).await
    }

    /// Registers an app.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn create_app(&self, write: CreateApp) -> Result<Created, StoreError> {
        self.database.write(write).await
    }

    /// Enables a provider for an app, asks for it, or disables it; `false` when there is no such
    /// app.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn set_provider(&self, write: SetProvider) -> Result<bool, StoreError> {
        self.database.write(write).await
    }

    /// The workspace's app of this name, if it has one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn app(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
    ) -> Result<Option<App>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT apps.workspace_id, apps.client_id, apps.name, apps.created_at, app_providers.provider_id, app_providers.state
            FROM apps LEFT JOIN app_providers
                ON app_providers.workspace_id = apps.workspace_id AND app_providers.client_id = apps.client_id
            WHERE apps.workspace_id = $1 AND apps.client_id = $2 AND apps.deleted_at IS NULL",
        );
        let key =
            vec![workspace_id.as_str().to_owned().into(), client_id.as_str().to_owned().into()];
        let rows = self.database.query(&SQL, key, read_app).await?;
        // The same app in each row, with one of its providers.
        Ok(rows.into_iter().reduce(|mut app, mut row| {
            app.enabled_providers.append(&mut row.enabled_providers);
            app.requested_providers.append(&mut row.requested_providers);
            app
        }))
    }
}
