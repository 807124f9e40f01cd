//! Deletes old deliveries (§12).

use db::{Sql, StoreError, Transaction, Write, apply_each};
use domain::Timestamp;

use crate::WorkspaceStore;

/// Deletes old deliveries.
#[derive(Clone, Debug)]
pub struct PruneDeliveries {
    /// Deliveries from before this time are deleted.
    pub before: Timestamp,
    /// The largest number to delete. It bounds how long other writes wait.
    pub limit: u32,
}

impl Write for PruneDeliveries {
    /// The number of deleted deliveries.
    type Outcome = u64;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<u64>, StoreError> {
        static SQL: Sql = Sql::new(
            "DELETE FROM webhook_deliveries WHERE (workspace_id, client_id, sequence) IN (
                SELECT workspace_id, client_id, sequence FROM webhook_deliveries
                WHERE created_at < $1 ORDER BY created_at LIMIT $2 {skip locked})",
        );
        apply_each(writes, async |Self { before, limit }| {
            transaction.execute(&SQL, &[(*before).into(), (*limit).into()]).await
        })
        .await
    }
}

impl WorkspaceStore {
    /// Deletes a batch of old deliveries (§12). Returns their number.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn prune_deliveries(&self, write: PruneDeliveries) -> Result<u64, StoreError> {
        self.database.write(write).await
    }
}
