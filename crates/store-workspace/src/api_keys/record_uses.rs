//! Records when API keys were last used (§2).

use db::{Sql, StoreError, Transaction, Write, apply_each, write_columns};
use domain::{ApiKeyId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;

/// The last use of an API key.
#[derive(Clone, Debug)]
pub struct KeyUse {
    /// The key's workspace.
    pub workspace_id: WorkspaceId,
    /// The key's id.
    pub id: ApiKeyId,
    /// When it was last used.
    pub last_used_at: Timestamp,
}

write_columns! {
    /// The last use of a key.
    KeyUseRow(KeyUse) = |KeyUse { workspace_id, id, last_used_at }| {
        workspace: Text = workspace_id.as_str(),
        key: Bytes = id.as_bytes(),
        used_at: Integer = *last_used_at,
    }
}

/// Records when API keys were last used, unless a later use is recorded. No key occurs twice.
#[derive(Clone, Debug)]
pub struct RecordKeyUses(pub Vec<KeyUse>);

impl Write for RecordKeyUses {
    type Outcome = ();

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<()>, StoreError> {
        static SQL: Sql = Sql::each(
            "UPDATE api_keys SET last_used_at = each.used_at {from each}
            WHERE workspace_id = each.workspace AND id = each.key
                AND (last_used_at IS NULL OR last_used_at < each.used_at)",
            &KeyUseRow::COLUMNS,
        );
        apply_each(writes, async |Self(uses)| {
            let mut uses: Vec<&KeyUse> = uses.iter().collect();
            // Transactions that lock rows in the same order cannot deadlock.
            uses.sort_unstable_by_key(|key_use| key_use.id);
            let rows: Vec<_> = uses.into_iter().map(KeyUseRow::of).collect();
            transaction.execute_each(&SQL, &rows).await.map(drop)
        })
        .await
    }
}

impl WorkspaceStore {
    /// Records when API keys were last used (§2).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn record_key_uses(&self, write: RecordKeyUses) -> Result<(), StoreError> {
        self.database.write(write).await
    }
}
