//! Removes tokens of the console (§14).

use db::{Sql, StoreError, Transaction, Write, apply_each};
use domain::api_key::SecretHash;
use domain::{ApiKeyId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;

/// Uses up a link that signs in.
#[derive(Clone, Debug)]
pub struct UseConsoleLink {
    /// The hash of its token.
    pub token_hash: SecretHash,
    /// The present.
    pub now: Timestamp,
}

impl Write for UseConsoleLink {
    /// The key to sign in with; `None` if the link was used before, or has expired.
    type Outcome = Option<(WorkspaceId, ApiKeyId)>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        static SQL: Sql = Sql::new(
            "DELETE FROM console_tokens
            WHERE token_hash = $1 AND kind = 'link' AND expires_at > $2
            RETURNING workspace_id, key_id",
        );
        apply_each(writes, async |Self { token_hash, now }| {
            let parameters = [token_hash.as_bytes().into(), (*now).into()];
            let used = transaction.query(&SQL, &parameters, |row| {
                let workspace_id = row.parsed("workspace_id")?;
                Ok((workspace_id, row.bytes("key_id").map(ApiKeyId::from_bytes)?))
            });
            Ok(used.await?.pop())
        })
        .await
    }
}

/// Ends a session, or revokes a link that shows a test, of this workspace.
#[derive(Clone, Debug)]
pub struct RemoveConsoleToken {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The hash of the token.
    pub token_hash: SecretHash,
}

impl Write for RemoveConsoleToken {
    type Outcome = ();

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<()>, StoreError> {
        static SQL: Sql =
            Sql::new("DELETE FROM console_tokens WHERE token_hash = $1 AND workspace_id = $2");
        apply_each(writes, async |Self { workspace_id, token_hash }| {
            let parameters = [token_hash.as_bytes().into(), workspace_id.as_str().into()];
            transaction.execute(&SQL, &parameters).await.map(drop)
        })
        .await
    }
}

impl WorkspaceStore {
    /// Uses up a link that signs in (§14). `None` if it was used before, or has expired.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn use_console_link(
        &self,
        write: UseConsoleLink,
    ) -> Result<Option<(WorkspaceId, ApiKeyId)>, StoreError> {
        self.database.write(write).await
    }

    /// Ends a session, or revokes a link that shows a test (§14).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn remove_console_token(&self, write: RemoveConsoleToken) -> Result<(), StoreError> {
        self.database.write(write).await
    }
}
