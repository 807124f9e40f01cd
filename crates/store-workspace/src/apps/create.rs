//! Creates an app (§11).

use db::{Sql, StoreError, Transaction, Write, apply_each, write_columns};
use domain::api_key::SecretHash;
use domain::app::App;

use crate::apps::providers;
use crate::{WorkspaceStore, workspaces};

/// Creates an app, with the providers that are enabled for it.
#[derive(Clone, Debug)]
pub struct CreateApp {
    /// The app. Its set of requested providers is ignored.
    pub app: App,
    /// The hash of its client secret.
    pub client_secret_hash: SecretHash,
    /// The last characters of its client secret: `****1a2b`.
    pub client_secret_preview: String,
}

write_columns! {
    /// A row of `apps`.
    AppRow(CreateApp) = |CreateApp {
        app: App {
            workspace_id,
            client_id,
            name,
            enabled_providers: _,
            requested_providers: _,
            created_at,
        },
        client_secret_hash,
        client_secret_preview,
    }| {
        workspace_id: Text = workspace_id.as_str(),
        client_id: Text = client_id.as_str(),
        name: Text = name,
        client_secret_hash: Bytes = client_secret_hash.as_bytes(),
        client_secret_preview: Text = client_secret_preview,
        created_at: Integer = *created_at,
        updated_at: Integer = *created_at,
    }
}

/// Whether an app was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateAppOutcome {
    /// It was created.
    Created,
    /// Its client id is taken.
    ClientIdTaken,
    /// Its workspace does not exist.
    NoWorkspace,
}

impl Write for CreateApp {
    type Outcome = CreateAppOutcome;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<CreateAppOutcome>, StoreError> {
        apply_each(writes, async |write| write.create(transaction).await).await
    }
}

impl CreateApp {
    pub(crate) async fn create(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<CreateAppOutcome, StoreError> {
        static INSERT: Sql = Sql::each(
            "INSERT INTO apps {row of each} ON CONFLICT (client_id) DO NOTHING",
            &AppRow::COLUMNS,
        );
        if !workspaces::exists(transaction, &self.app.workspace_id).await? {
            return Ok(CreateAppOutcome::NoWorkspace);
        }
        if transaction.execute_each(&INSERT, &[AppRow::of(self)]).await? == 0 {
            return Ok(CreateAppOutcome::ClientIdTaken);
        }
        let App { workspace_id, client_id, enabled_providers, created_at, .. } = &self.app;
        providers::enable(transaction, workspace_id, client_id, enabled_providers, *created_at)
            .await?;
        Ok(CreateAppOutcome::Created)
    }
}

impl WorkspaceStore {
    /// Creates an app (§11).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn create_app(&self, write: CreateApp) -> Result<CreateAppOutcome, StoreError> {
        self.database.write(write).await
    }
}
