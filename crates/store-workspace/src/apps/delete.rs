//! Deletes an app (§11).

use db::{Sql, StoreError, Transaction, Write, apply_each_in_lock_order};
use domain::{ClientId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;
use crate::challenge_requests::cancel;

/// Deletes an app. Cancels its pending requests, and recalls its active challenges.
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
        // Waits for inserts of requests, which hold a lock on their app, so that the cancellation
        // sees them. Requests that are inserted later are cancelled when they are due (`LeaseDue`).
        static LOCK: Sql = Sql::new(
            "SELECT client_id FROM apps WHERE workspace_id = $1 AND client_id = $2 {lock alone}",
        );
        static DELETE: Sql = Sql::new(
            "UPDATE apps SET deleted_at = $1, updated_at = $1
            WHERE workspace_id = $2 AND client_id = $3 AND deleted_at IS NULL",
        );
        let Self { workspace_id, client_id, now } = self;
        let [workspace, client] = [workspace_id.as_str(), client_id.as_str()];
        transaction.query(&LOCK, &[workspace.into(), client.into()], |_| Ok(())).await?;
        let parameters = [(*now).into(), workspace.into(), client.into()];
        if transaction.execute(&DELETE, &parameters).await? == 0 {
            return Ok(false);
        }
        cancel::cancel_all(transaction, workspace_id, client_id, *now).await?;
        Ok(true)
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
