//! Revokes an API key (§2).

use db::{Sql, StoreError, Transaction, Write, apply_each};
use domain::{ApiKeyId, Timestamp};

use crate::WorkspaceStore;

/// Revokes an API key. A revoked key never becomes valid again.
#[derive(Clone, Debug)]
pub struct RevokeApiKey {
    /// The key's id.
    pub id: ApiKeyId,
    /// The present.
    pub now: Timestamp,
}

impl Write for RevokeApiKey {
    /// `false` if there is no such key, or it was revoked before.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        static SQL: Sql =
            Sql::new("UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL");
        apply_each(writes, async |Self { id, now }| {
            Ok(transaction.execute(&SQL, &[(*now).into(), id.as_bytes().into()]).await? == 1)
        })
        .await
    }
}

impl WorkspaceStore {
    /// Revokes an API key (§2). Returns `false` if there is no such key, or it was revoked before.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn revoke_api_key(&self, write: RevokeApiKey) -> Result<bool, StoreError> {
        self.database.write(write).await
    }
}
