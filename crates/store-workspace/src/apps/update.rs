//! Updates an app (§11).

use db::{Sql, StoreError, Transaction, Write, apply_each_in_lock_order};
use domain::{ClientId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;

/// Updates an app.
#[derive(Clone, Debug)]
pub struct UpdateApp {
    /// The app's workspace.
    pub workspace_id: WorkspaceId,
    /// The app.
    pub client_id: ClientId,
    /// What changes.
    pub change: AppChange,
    /// The present.
    pub now: Timestamp,
}

/// What changes about an app. `None` leaves it unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppChange {
    /// The new name.
    pub name: Option<String>,
    /// The new redirect URIs.
    pub redirect_uris: Option<Vec<String>>,
    /// The new logo, a data URL. An empty text removes it.
    pub logo: Option<String>,
    /// Where a tester may go on after a stamp. An empty text removes it.
    pub default_success_redirect_uri: Option<String>,
    /// Where a tester may go on after a participation without a stamp. An empty text removes it.
    pub default_failure_redirect_uri: Option<String>,
}

impl Write for UpdateApp {
    /// `false` if there is no such app.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE apps SET name = COALESCE($1, name),
                redirect_uris = COALESCE($2, redirect_uris), updated_at = $3,
                logo = NULLIF(COALESCE($6, logo), ''),
                default_success_redirect_uri =
                    NULLIF(COALESCE($7, default_success_redirect_uri), ''),
                default_failure_redirect_uri =
                    NULLIF(COALESCE($8, default_failure_redirect_uri), '')
            WHERE workspace_id = $4 AND client_id = $5 AND deleted_at IS NULL",
        );
        apply_each_in_lock_order(
            writes,
            |write| write.client_id.as_str(),
            async |Self { workspace_id, client_id, change, now }| {
                let redirect_uris = change
                    .redirect_uris
                    .as_ref()
                    .map(|uris| serde_json::Value::from(uris.clone()).to_string());
                let parameters = [
                    change.name.as_ref().into(),
                    redirect_uris.into(),
                    (*now).into(),
                    workspace_id.as_str().into(),
                    client_id.as_str().into(),
                    change.logo.as_ref().into(),
                    change.default_success_redirect_uri.as_ref().into(),
                    change.default_failure_redirect_uri.as_ref().into(),
                ];
                Ok(transaction.execute(&SQL, &parameters).await? == 1)
            },
        )
        .await
    }
}

impl WorkspaceStore {
    /// Updates an app (§11). Returns `false` if there is no such app.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn update_app(&self, write: UpdateApp) -> Result<bool, StoreError> {
        self.database.write(write).await
    }
}
