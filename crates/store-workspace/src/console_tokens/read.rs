//! Reads tokens of the console (§14).

use db::{Sql, StoreError, Value, read_columns};
use domain::api_key::{Access, ApiKey, SecretHash};
use domain::{ApiKeyId, ClientId, RequestId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;

/// A token that is valid, and the key that it stands for.
#[derive(Clone, Debug)]
pub struct ConsoleToken {
    /// The key. Whether it is valid still has to be checked.
    pub key: ApiKey,
    /// The hash of the key's secret.
    pub secret_hash: SecretHash,
    /// The test that a link shows.
    pub test: Option<(ClientId, RequestId)>,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// A link that shows a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedTestLink {
    /// The hash of its token, by which it is revoked.
    pub token_hash: SecretHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

read_columns! {
    /// A token with its key.
    TOKEN: ConsoleToken {
        key_workspace_id: parsed,
        key_id: bytes,
        secret_hash: bytes,
        key_name: string,
        access: named(Access::from_name),
        key_created_at: time,
        key_expires_at: optional_time,
        revoked_at: optional_time,
        client_id: optional_parsed,
        request_id: optional_bytes,
        token_expires_at: time,
    } => ConsoleToken {
        key: ApiKey {
            id: ApiKeyId::from_bytes(key_id),
            workspace_id: key_workspace_id,
            name: key_name,
            access,
            created_at: key_created_at,
            expires_at: key_expires_at,
            revoked_at,
            last_used_at: None,
        },
        secret_hash: SecretHash::from_bytes(secret_hash),
        test: client_id.zip(request_id.map(RequestId::from_bytes)),
        expires_at: token_expires_at,
    }
}

read_columns! {
    /// A link that shows a test.
    LINK: SharedTestLink {
        token_hash: bytes,
        created_at: time,
        expires_at: time,
    } => SharedTestLink { token_hash: SecretHash::from_bytes(token_hash), created_at, expires_at }
}

impl WorkspaceStore {
    /// The session with this token, if neither it nor its key has ended.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn console_session(
        &self,
        token_hash: SecretHash,
        now: Timestamp,
    ) -> Result<Option<ConsoleToken>, StoreError> {
        self.console_token(token_hash, "session", now).await
    }

    /// The link with this token that shows a test, if neither it nor its key has ended.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn shared_test(
        &self,
        token_hash: SecretHash,
        now: Timestamp,
    ) -> Result<Option<ConsoleToken>, StoreError> {
        self.console_token(token_hash, "share", now).await
    }

    async fn console_token(
        &self,
        token_hash: SecretHash,
        kind: &'static str,
        now: Timestamp,
    ) -> Result<Option<ConsoleToken>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT {columns} FROM (
                SELECT api_keys.workspace_id AS key_workspace_id, api_keys.id AS key_id,
                    secret_hash, name AS key_name, access, api_keys.created_at AS key_created_at,
                    api_keys.expires_at AS key_expires_at, revoked_at, client_id, request_id,
                    console_tokens.expires_at AS token_expires_at
                FROM console_tokens JOIN api_keys
                    ON api_keys.workspace_id = console_tokens.workspace_id
                    AND api_keys.id = console_tokens.key_id
                WHERE token_hash = $1 AND kind = $2 AND console_tokens.expires_at > $3) AS found",
        )
        .reading(&TOKEN);
        let hash = Value::from(token_hash.as_bytes()).into_owned();
        let found =
            self.database.find(&SQL, vec![hash, kind.into(), now.into()], TOKEN.read).await?;
        Ok(found.filter(|token| token.key.is_valid_at(now)))
    }

    /// The links that show this test, the newest first, at most 20.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn shared_test_links(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
        request_id: RequestId,
        now: Timestamp,
    ) -> Result<Vec<SharedTestLink>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT {columns} FROM console_tokens
            WHERE kind = 'share' AND workspace_id = $1 AND client_id = $2 AND request_id = $3
                AND expires_at > $4
            ORDER BY created_at DESC LIMIT 20",
        )
        .reading(&LINK);
        let parameters = vec![
            Value::from(workspace_id.as_str()).into_owned(),
            Value::from(client_id.as_str()).into_owned(),
            Value::from(request_id.as_bytes()).into_owned(),
            now.into(),
        ];
        self.database.query(&SQL, parameters, LINK.read).await
    }
}
