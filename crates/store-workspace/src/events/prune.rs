//! Deletes old events (§7).

use db::{Sql, StoreError, Transaction, Write, apply_each};
use domain::Timestamp;

use crate::WorkspaceStore;

/// Deletes old events.
#[derive(Clone, Debug)]
pub struct PruneEvents {
    /// Events from before this time are deleted.
    pub before: Timestamp,
    /// The largest number of events to delete. It bounds how long other writes wait.
    pub limit: u32,
}

impl Write for PruneEvents {
    /// The number of deleted events.
    type Outcome = u64;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<u64>, StoreError> {
        static SQL: Sql = Sql::new(
            "DELETE FROM events WHERE (workspace_id, client_id, sequence) IN (
                SELECT workspace_id, client_id, sequence FROM events WHERE happened_at < $1
                ORDER BY happened_at LIMIT $2 {skip locked})",
        );
        apply_each(writes, async |Self { before, limit }| {
            transaction.execute(&SQL, &[(*before).into(), (*limit).into()]).await
        })
        .await
    }
}

impl WorkspaceStore {
    /// Deletes a batch of old events (§7). Returns their number.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn prune_events(&self, write: PruneEvents) -> Result<u64, StoreError> {
        self.database.write(write).await
    }
}
