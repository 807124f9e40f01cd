//! Giving apps other secrets: once for each idempotency key (§4, §11).

use db::{Idempotency, KeyClaim, Sql, StoreError, Transaction, Write, apply_each_in_lock_order};
use domain::api_key::SecretHash;
use domain::sealed_secret::SealedSecret;
use domain::{ClientId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;
use crate::idempotency::{self, Made, RECORDS};

/// Gives an app another secret; the old one is dead at once.
#[derive(Clone, Debug)]
pub struct RotateClientSecret {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Which.
    pub client_id: ClientId,
    /// The hash of the new secret.
    pub client_secret_hash: SecretHash,
    /// What may still be shown of it.
    pub client_secret_preview: String,
    /// How a repetition is recognised, if the client asked for that, and the secret to show again
    /// then.
    pub idempotency: Option<(Idempotency, SealedSecret)>,
    /// When.
    pub now: Timestamp,
}

/// What came of giving an app another secret.
#[derive(Clone, Debug)]
pub enum Rotated {
    /// It has the new one.
    Yes,
    /// There is no such app.
    NoSuchApp,
    /// The same was asked before under the same key: this came of it.
    Replay(Box<Made>),
    /// The key was used for something else.
    KeyConflict,
}

impl Write for RotateClientSecret {
    type Outcome = Rotated;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Rotated>, StoreError> {
        apply_each_in_lock_order(
            writes,
            |write| write.client_id.as_str(),
            async |write| write.rotate(transaction).await,
        )
        .await
    }
}

impl RotateClientSecret {
    async fn rotate(&self, transaction: &Transaction<'_>) -> Result<Rotated, StoreError> {
        static APP: Sql = Sql::new(
            "SELECT client_id FROM apps WHERE workspace_id = $1 AND client_id = $2 AND deleted_at IS NULL {lock}",
        );
        static ROTATE: Sql = Sql::new(
            "UPDATE apps SET client_secret_hash = $1, client_secret_preview = $2, updated_at = $3
            WHERE workspace_id = $4 AND client_id = $5 AND deleted_at IS NULL",
        );
        let Self {
            workspace_id,
            client_id,
            client_secret_hash,
            client_secret_preview,
            idempotency,
            now,
        } = self;
        let app = [workspace_id.as_str().into(), client_id.as_str().into()];
        if transaction.query(&APP, &app, |_| Ok(())).await?.is_empty() {
            return Ok(Rotated::NoSuchApp);
        }
        if let Some((idempotency, sealed)) = idempotency {
            let claim =
                idempotency::record(workspace_id, idempotency, client_id, None, Some(sealed));
            match RECORDS.claim(transaction, vec![claim]).await?.pop() {
                Some(KeyClaim::Fresh) => {}
                Some(KeyClaim::Replay(made)) => return Ok(Rotated::Replay(Box::new(made))),
                Some(KeyClaim::Conflict) | None => return Ok(Rotated::KeyConflict),
            }
        }
        let parameters = [
            client_secret_hash.as_bytes().into(),
            client_secret_preview.into(),
            (*now).into(),
            workspace_id.as_str().into(),
            client_id.as_str().into(),
        ];
        transaction.execute(&ROTATE, &parameters).await?;
        Ok(Rotated::Yes)
    }
}

impl WorkspaceStore {
    /// Gives an app another secret, once for each idempotency key.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn rotate_client_secret(
        &self,
        write: RotateClientSecret,
    ) -> Result<Rotated, StoreError> {
        self.database.write(write).await
    }
}
