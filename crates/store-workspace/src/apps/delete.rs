//! Deletes an app (§11).

use db::{Sql, StoreError, Transaction, Write, apply_each_in_lock_order};
use domain::{ClientId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;

/// Deletes an app. This only marks it: [`SweepDeletedApp`](crate::SweepDeletedApp) cancels its pending
/// requests and recalls its active challenges. Until then its requests are cancelled when they are due
/// (`LeaseDue`).
#[derive(Clone, Debug)]
pub struct DeleteApp {
    /// The app's workspace.
    pub workspace_id: WorkspaceId,
    /// The app.
    pub client_id: ClientId,
    /// The present.
    pub now: Timestamp,
}

impl Write for DeleteApp {
    /// `false` if there is no such app.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        apply_each_in_lock_order(
            writes,
            |write| write.client_id.as_str(),
            async |write| write.delete(transaction).await,
        )
        .await
    }
}

impl DeleteApp {
    async fn delete(&self, transaction: &Transaction<'_>) -> Result<bool, StoreError> {
        static DELETE: Sql = Sql::new(
            "UPDATE apps SET deleted_at = $1, updated_at = $1
            WHERE workspace_id = $2 AND client_id = $3 AND deleted_at IS NULL",
        );
        let Self { workspace_id, client_id, now } = self;
        let [workspace, client] = [workspace_id.as_str(), client_id.as_str()];
        let parameters = [(*now).into(), workspace.into(), client.into()];
        Ok(transaction.execute(&DELETE, &parameters).await? > 0)
    }
}

impl WorkspaceStore {
    /// Deletes an app (§11). Returns `false` if there is no such app.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn delete_app(&self, write: DeleteApp) -> Result<bool, StoreError> {
        self.database.write(write).await
    }
}
