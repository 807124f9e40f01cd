//! Workspace API keys (§2).

use domain::api_key::{Access, ApiKey, SecretHash};
use domain::{ApiKeyId, Timestamp, WorkspaceId};
use rusqlite::{OptionalExtension, Row, Transaction};

use super::ConnectStore;
use crate::StoreError;
use crate::sqlite::{RowExt, Unit, prepare};

/// Makes an API key, of whose secret only the hash is kept.
#[derive(Clone, Debug)]
pub struct CreateApiKey {
    /// The key.
    pub key: ApiKey,
    /// The hash of its secret.
    pub secret_hash: SecretHash,
}

impl Unit for CreateApiKey {
    /// Whether there is such a workspace.
    type Outcome = bool;

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
        const SQL: &str = "
            INSERT INTO api_keys (workspace_id, id, secret_hash, name, access, created_at, expires_at, revoked_at)
            SELECT id, $1, $2, $3, $4, $5, $6, $7 FROM workspaces WHERE id = $8";
        let ApiKey { id, workspace_id, name, access, created_at, expires_at, revoked_at } = &self.key;
        let inserted = prepare(transaction, SQL)?.execute((
            id.as_bytes(),
            self.secret_hash.as_bytes(),
            name,
            access.as_str(),
            created_at.as_millis(),
            expires_at.map(Timestamp::as_millis),
            revoked_at.map(Timestamp::as_millis),
            workspace_id.as_str(),
        ))?;
        Ok(inserted == 1)
    }
}

/// Takes a key back, for good.
#[derive(Clone, Debug)]
pub struct RevokeApiKey {
    /// Which.
    pub id: ApiKeyId,
    /// When.
    pub now: Timestamp,
}

impl Unit for RevokeApiKey {
    /// Whether there was such a key that was not revoked before.
    type Outcome = bool;

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
        let revoked = prepare(transaction, "UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL")?
            .execute((self.now.as_millis(), self.id.as_bytes()))?;
        Ok(revoked == 1)
    }
}

impl ConnectStore {
    /// Makes an API key; `false` when there is no such workspace.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn create_api_key(&self, unit: CreateApiKey) -> Result<bool, StoreError> {
        self.database.write(unit).await
    }

    /// Takes a key back; `false` when there is none to take.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn revoke_api_key(&self, unit: RevokeApiKey) -> Result<bool, StoreError> {
        self.database.write(unit).await
    }

    /// The key with this secret, valid or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn api_key(&self, secret_hash: SecretHash) -> Result<Option<ApiKey>, StoreError> {
        const SQL: &str = "
            SELECT workspace_id, id, name, access, created_at, expires_at, revoked_at
            FROM api_keys WHERE secret_hash = $1";
        self.database
            .read(move |connection| prepare(connection, SQL)?.query_row((secret_hash.as_bytes(),), read_key).optional())
            .await
    }

    /// The keys of one workspace, or of all, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn api_keys(&self, workspace_id: Option<WorkspaceId>) -> Result<Vec<ApiKey>, StoreError> {
        const SQL: &str = "
            SELECT workspace_id, id, name, access, created_at, expires_at, revoked_at
            FROM api_keys WHERE $1 IS NULL OR workspace_id = $1 ORDER BY created_at, id";
        self.database
            .read(move |connection| {
                let workspace_id = workspace_id.as_ref().map(WorkspaceId::as_str);
                prepare(connection, SQL)?.query_map((workspace_id,), read_key)?.collect()
            })
            .await
    }
}

fn read_key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    Ok(ApiKey {
        id: ApiKeyId::from_bytes(row.get("id")?),
        workspace_id: row.parsed("workspace_id")?,
        name: row.get("name")?,
        access: row.named("access", Access::from_name)?,
        created_at: row.time("created_at")?,
        expires_at: row.optional_time("expires_at")?,
        revoked_at: row.optional_time("revoked_at")?,
    })
}
