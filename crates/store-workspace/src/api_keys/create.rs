//! Creates an API key (§2).

use db::{Sql, StoreError, Transaction, Write, apply_each, write_columns};
use domain::api_key::{ApiKey, SecretHash};

use crate::{WorkspaceStore, workspaces};

/// Creates an API key. The store holds only the hash of its secret.
#[derive(Clone, Debug)]
pub struct CreateApiKey {
    /// The key.
    pub key: ApiKey,
    /// The hash of its secret.
    pub secret_hash: SecretHash,
}

write_columns! {
    /// A row of `api_keys`.
    ApiKeyRow(CreateApiKey) = |CreateApiKey {
        key: ApiKey {
            id, workspace_id, name, access, created_at, expires_at, revoked_at, last_used_at: _
        },
        secret_hash,
    }| {
        workspace_id: Text = workspace_id.as_str(),
        id: Bytes = id.as_bytes(),
        secret_hash: Bytes = secret_hash.as_bytes(),
        name: Text = name,
        access: Text = access.as_str(),
        created_at: Integer = *created_at,
        expires_at: Integer = *expires_at,
        revoked_at: Integer = *revoked_at,
    }
}

impl Write for CreateApiKey {
    /// `false` if there is no such workspace.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        static SQL: Sql = Sql::each("INSERT INTO api_keys {row of each}", &ApiKeyRow::COLUMNS);
        apply_each(writes, async |write| {
            if !workspaces::exists(transaction, &write.key.workspace_id).await? {
                return Ok(false);
            }
            transaction.execute_each(&SQL, &[ApiKeyRow::of(write)]).await?;
            Ok(true)
        })
        .await
    }
}

impl WorkspaceStore {
    /// Creates an API key (§2). Returns `false` if there is no such workspace.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn create_api_key(&self, write: CreateApiKey) -> Result<bool, StoreError> {
        self.database.write(write).await
    }
}
