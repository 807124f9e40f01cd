//! Stores tokens of the console (§14).

use db::{Sql, StoreError, Transaction, Write, apply_each, write_columns};
use domain::api_key::SecretHash;
use domain::{ApiKeyId, Timestamp, WorkspaceId};

use super::ConsoleTokenKind;
use crate::WorkspaceStore;

/// How many expired tokens each new one removes.
const SWEPT: u32 = 100;

/// Stores a token, and removes some that have expired.
#[derive(Clone, Debug)]
pub struct CreateConsoleToken {
    /// The hash of the token.
    pub token_hash: SecretHash,
    /// What it is for.
    pub kind: ConsoleTokenKind,
    /// The workspace of the key.
    pub workspace_id: WorkspaceId,
    /// The key that it stands for.
    pub key_id: ApiKeyId,
    /// The present.
    pub now: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

write_columns! {
    /// A row of `console_tokens`.
    ConsoleTokenRow(CreateConsoleToken) = |CreateConsoleToken {
        token_hash, kind, workspace_id, key_id, now, expires_at
    }| {
        token_hash: Bytes = token_hash.as_bytes(),
        kind: Text = kind.as_str(),
        workspace_id: Text = workspace_id.as_str(),
        key_id: Bytes = key_id.as_bytes(),
        client_id: Text = kind.test().map(|(client_id, _)| client_id.as_str()),
        request_id: Bytes = kind.test().map(|(_, request_id)| request_id.as_bytes()),
        created_at: Integer = *now,
        expires_at: Integer = *expires_at,
    }
}

impl Write for CreateConsoleToken {
    type Outcome = ();

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<()>, StoreError> {
        static SWEEP: Sql = Sql::new(
            "DELETE FROM console_tokens WHERE token_hash IN (
                SELECT token_hash FROM console_tokens WHERE expires_at <= $1
                ORDER BY expires_at LIMIT $2 {skip locked})",
        );
        static INSERT: Sql =
            Sql::each("INSERT INTO console_tokens {row of each}", &ConsoleTokenRow::COLUMNS);
        apply_each(writes, async |write| {
            transaction.execute(&SWEEP, &[write.now.into(), SWEPT.into()]).await?;
            transaction.execute_each(&INSERT, &[ConsoleTokenRow::of(write)]).await.map(drop)
        })
        .await
    }
}

impl WorkspaceStore {
    /// Stores a token of the console (§14).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn create_console_token(&self, write: CreateConsoleToken) -> Result<(), StoreError> {
        self.database.write(write).await
    }
}
