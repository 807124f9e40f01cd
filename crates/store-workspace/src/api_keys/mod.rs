//! Workspace API keys (§2).

use db::{Kind, Row, Sql, StoreError, Transaction, Value, Write, apply_each};
use domain::api_key::{Access, ApiKey, SecretHash};
use domain::{ApiKeyId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;

/// Makes an API key, of whose secret only the hash is kept.
#[derive(Clone, Debug)]
pub struct CreateApiKey {
    /// The key.
    pub key: ApiKey,
    /// The hash of its secret.
    pub secret_hash: SecretHash,
}

impl Write for CreateApiKey {
    /// Whether there is such a workspace.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        static SQL: Sql = Sql::new(
            "INSERT INTO api_keys (workspace_id, id, secret_hash, name, access, created_at, expires_at, revoked_at)
            SELECT id, $1, $2, $3, $4, $5, $6, $7 FROM workspaces WHERE id = $8",
        );
        apply_each(writes, async |Self { key, secret_hash }| {
            let ApiKey {
                id,
                workspace_id,
                name,
                access,
                created_at,
                expires_at,
                revoked_at,
                last_used_at: _,
            } = key;
            let parameters = [
                id.as_bytes().into(),
                secret_hash.as_bytes().into(),
                name.into(),
                access.as_str().into(),
                (*created_at).into(),
                (*expires_at).into(),
                (*revoked_at).into(),
                workspace_id.as_str().into(),
            ];
            Ok(transaction.execute(&SQL, &parameters).await? == 1)
        })
        .await
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

impl Write for RevokeApiKey {
    /// Whether there was such a key that was not revoked before.
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

/// When a key was last used.
#[derive(Clone, Debug)]
pub struct KeyUse {
    /// Whose key it is.
    pub workspace_id: WorkspaceId,
    /// Which.
    pub id: ApiKeyId,
    /// When.
    pub last_used_at: Timestamp,
}

/// Writes down when keys were last used, unless it is known that they were used later: each key
/// once.
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
            &[("workspace", Kind::Text), ("key", Kind::Bytes), ("used_at", Kind::Integer)],
        );
        apply_each(writes, async |Self(uses)| {
            let mut uses: Vec<&KeyUse> = uses.iter().collect();
            // In the same order everywhere, or two transactions could wait for each other.
            uses.sort_unstable_by_key(|key_use| key_use.id);
            let rows: Vec<_> = uses
                .into_iter()
                .map(|KeyUse { workspace_id, id, last_used_at }| {
                    [workspace_id.as_str().into(), id.as_bytes().into(), (*last_used_at).into()]
                })
                .collect();
            transaction.execute_each(&SQL, &rows).await.map(drop)
        })
        .await
    }
}

impl WorkspaceStore {
    /// Writes down when keys were last used.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn record_key_uses(&self, write: RecordKeyUses) -> Result<(), StoreError> {
        self.database.write(write).await
    }

    /// Makes an API key; `false` when there is no such workspace.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn create_api_key(&self, write: CreateApiKey) -> Result<bool, StoreError> {
        self.database.write(write).await
    }

    /// Takes a key back; `false` when there is none to take.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn revoke_api_key(&self, write: RevokeApiKey) -> Result<bool, StoreError> {
        self.database.write(write).await
    }

    /// The key with this secret, valid or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn api_key(&self, secret_hash: SecretHash) -> Result<Option<ApiKey>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT workspace_id, id, name, access, created_at, expires_at, revoked_at, last_used_at
            FROM api_keys WHERE secret_hash = $1",
        );
        self.database
            .find(&SQL, vec![Value::from(secret_hash.as_bytes()).into_owned()], read_key)
            .await
    }

    /// The keys of one workspace, or of all, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn api_keys(
        &self,
        workspace_id: Option<WorkspaceId>,
    ) -> Result<Vec<ApiKey>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT workspace_id, id, name, access, created_at, expires_at, revoked_at, last_used_at
            FROM api_keys WHERE CAST($1 AS TEXT) IS NULL OR workspace_id = $1 ORDER BY created_at, id",
        );
        let workspace_id = workspace_id.as_ref().map(WorkspaceId::as_str);
        self.database.query(&SQL, vec![Value::from(workspace_id).into_owned()], read_key).await
    }
}

pub(crate) fn read_key(row: &Row<'_>) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: ApiKeyId::from_bytes(row.bytes("id")?),
        workspace_id: row.parsed("workspace_id")?,
        name: row.text("name")?.to_owned(),
        access: row.named("access", Access::from_name)?,
        created_at: row.time("created_at")?,
        expires_at: row.optional_time("expires_at")?,
        revoked_at: row.optional_time("revoked_at")?,
        last_used_at: row.optional_time("last_used_at")?,
    })
}
