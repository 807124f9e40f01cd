//! Deletes expired idempotency records (§4).

use db::{StoreError, Transaction, Write, apply_each};
use domain::Timestamp;

use super::RECORDS;
use crate::WorkspaceStore;

/// Deletes expired records (§4).
#[derive(Clone, Debug)]
pub struct PruneIdempotencyRecords {
    /// The present.
    pub now: Timestamp,
    /// The largest number of records to delete. It bounds how long other writes wait.
    pub limit: u32,
}

impl Write for PruneIdempotencyRecords {
    /// The number of deleted records.
    type Outcome = u64;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<u64>, StoreError> {
        apply_each(writes, async |write| RECORDS.prune(transaction, write.now, write.limit).await)
            .await
    }
}

impl WorkspaceStore {
    /// Deletes a batch of expired records (§4). Returns their number.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn prune_idempotency_records(
        &self,
        write: PruneIdempotencyRecords,
    ) -> Result<u64, StoreError> {
        self.database.write(write).await
    }
}
