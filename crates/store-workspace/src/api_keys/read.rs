//! Reads API keys (§2).

use db::{Sql, StoreError, Value, read_columns, write_columns};
use domain::api_key::{Access, ApiKey, SecretHash};
use domain::{ApiKeyId, WorkspaceId};

use crate::WorkspaceStore;

read_columns! {
    /// An API key.
    API_KEY: ApiKey {
        workspace_id: parsed,
        id: bytes,
        name: string,
        access: named(Access::from_name),
        created_at: time,
        expires_at: optional_time,
        revoked_at: optional_time,
        last_used_at: optional_time,
    } => ApiKey {
        id: ApiKeyId::from_bytes(id),
        workspace_id,
        name,
        access,
        created_at,
        expires_at,
        revoked_at,
        last_used_at,
    }
}

write_columns! {
    /// The primary key of an API key.
    KeyRow((WorkspaceId, ApiKeyId)) = |(workspace_id, id)| {
        workspace: Text = workspace_id.as_str(),
        key: Bytes = id.as_bytes(),
    }
}

impl WorkspaceStore {
    /// The key with this secret, valid or not.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn api_key(&self, secret_hash: SecretHash) -> Result<Option<ApiKey>, StoreError> {
        static SQL: Sql =
            Sql::new("SELECT {columns} FROM api_keys WHERE secret_hash = $1").reading(&API_KEY);
        let secret_hash = Value::from(secret_hash.as_bytes()).into_owned();
        self.database.find(&SQL, vec![secret_hash], API_KEY.read).await
    }

    /// The keys of one workspace, or of all, oldest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn api_keys(
        &self,
        workspace_id: Option<WorkspaceId>,
    ) -> Result<Vec<ApiKey>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT {columns} FROM api_keys
            WHERE CAST($1 AS TEXT) IS NULL OR workspace_id = $1 ORDER BY created_at, id",
        )
        .reading(&API_KEY);
        let workspace_id = Value::from(workspace_id.as_ref().map(WorkspaceId::as_str));
        self.database.query(&SQL, vec![workspace_id.into_owned()], API_KEY.read).await
    }

    /// The keys with these ids, valid or not, in no order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn api_keys_of(
        &self,
        ids: &[(WorkspaceId, ApiKeyId)],
    ) -> Result<Vec<ApiKey>, StoreError> {
        static SQL: Sql = Sql::each(
            "SELECT {columns} FROM api_keys
            {join each on} workspace_id = each.workspace AND id = each.key",
            &KeyRow::COLUMNS,
        )
        .reading(&API_KEY);
        let rows = ids.iter().map(|id| KeyRow::of(id).map(Value::into_owned));
        self.database.query_each(&SQL, rows.collect(), API_KEY.read).await
    }
}
