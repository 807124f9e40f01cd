//! Deletes expired records (§4).

use std::hash::Hash;

use domain::Timestamp;

use super::IdempotencyRecords;
use crate::write::apply_each;
use crate::{Database, StoreError, Transaction, Value, Write};

/// Deletes expired records (§4).
#[derive(Clone, Debug)]
pub struct PruneIdempotencyRecords {
    /// The present.
    pub now: Timestamp,
    /// The largest number of records to delete. It bounds how long other writes wait.
    pub limit: u32,
}

/// The write that prunes this table.
struct Prune<S: 'static, T: 'static, const N: usize> {
    records: &'static IdempotencyRecords<S, T, N>,
    write: PruneIdempotencyRecords,
}

impl<S, T, const N: usize> Write for Prune<S, T, N>
where
    S: Clone + Eq + Hash + Ord,
    for<'a> &'a S: Into<Value<'a>>,
{
    /// The number of deleted records.
    type Outcome = u64;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<u64>, StoreError> {
        apply_each(writes, async |Self { records, write }| {
            records.delete_expired(transaction, write.now, write.limit).await
        })
        .await
    }
}

impl<S, T, const N: usize> IdempotencyRecords<S, T, N>
where
    S: Clone + Eq + Hash + Ord,
    for<'a> &'a S: Into<Value<'a>>,
{
    /// Deletes a batch of expired records. Returns their number.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn prune(
        &'static self,
        database: &Database,
        write: PruneIdempotencyRecords,
    ) -> Result<u64, StoreError> {
        database.write(Prune { records: self, write }).await
    }
}
