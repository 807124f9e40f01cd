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
    /// The new name, or `None` to leave it unchanged.
    pub name: Option<String>,
    /// The new redirect URIs, or `None` to leave them unchanged.
    pub redirect_uris: Option<Vec<String>>,
    /// The present.
    pub now: Timestamp,
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
                redirect_uris = COALESCE($2, redirect_uris), updated_at = $3
            WHERE workspace_id = $4 AND client_id = $5 AND deleted_at IS NULL",
        );
        apply_each_in_lock_order(
            writes,
            |write| write.client_id.as_str(),
            async |Self { workspace_id, client_id, name, redirect_uris, now }| {
                let redirect_uris = redirect_uris
                    .as_ref()
                    .map(|uris| serde_json::Value::from(uris.clone()).to_string());
                let parameters = [
                    name.as_ref().into(),
                    redirect_uris.into(),
                    (*now).into(),
                    workspace_id.as_str().into(),
                    client_id.as_str().into(),
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
