//! Rotates an app's client secret, once for each idempotency key (§4, §11).

use db::{Idempotency, KeyClaim, Sql, StoreError, Transaction, Write, apply_each_in_lock_order};
use domain::api_key::SecretHash;
use domain::sealed_secret::SealedSecret;
use domain::{ClientId, Timestamp, WorkspaceId};

use crate::idempotency::{Claim, IdempotentResult, RECORDS};
use crate::{WorkspaceStore, apps};

/// Replaces an app's client secret. The old secret is invalid at once.
#[derive(Clone, Debug)]
pub struct RotateClientSecret {
    /// The app's workspace.
    pub workspace_id: WorkspaceId,
    /// The app.
    pub client_id: ClientId,
    /// The hash of the new secret.
    pub client_secret_hash: SecretHash,
    /// The last characters of the new secret: `****1a2b`.
    pub client_secret_preview: String,
    /// The idempotency key, if the client sent one, and the secret that a replay shows again.
    pub idempotency: Option<(Idempotency, SealedSecret)>,
    /// The present.
    pub now: Timestamp,
}

/// Whether an app's client secret was rotated.
#[derive(Clone, Debug)]
pub enum RotateSecretOutcome {
    /// The app has the new secret.
    Rotated,
    /// There is no such app.
    NoSuchApp,
    /// The same request claimed the key before. This is its result.
    Replay(Box<IdempotentResult>),
    /// The key was used for another request.
    KeyConflict,
}

impl Write for RotateClientSecret {
    type Outcome = RotateSecretOutcome;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<RotateSecretOutcome>, StoreError> {
        apply_each_in_lock_order(
            writes,
            |write| write.client_id.as_str(),
            async |write| write.rotate(transaction).await,
        )
        .await
    }
}

impl RotateClientSecret {
    async fn rotate(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<RotateSecretOutcome, StoreError> {
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
        if !apps::lock(transaction, workspace_id.as_str(), client_id.as_str()).await? {
            return Ok(RotateSecretOutcome::NoSuchApp);
        }
        if let Some((idempotency, sealed_secret)) = idempotency {
            let claim = Claim {
                sealed_secret: Some(sealed_secret),
                ..Claim::new(workspace_id, idempotency, client_id)
            };
            match RECORDS.claim(transaction, vec![claim.row()]).await?.pop() {
                Some(KeyClaim::Fresh) => {}
                Some(KeyClaim::Replay(result)) => {
                    return Ok(RotateSecretOutcome::Replay(Box::new(result)));
                }
                Some(KeyClaim::Conflict) | None => return Ok(RotateSecretOutcome::KeyConflict),
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
        Ok(RotateSecretOutcome::Rotated)
    }
}

impl WorkspaceStore {
    /// Rotates an app's client secret, once for each idempotency key (§11).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn rotate_client_secret(
        &self,
        write: RotateClientSecret,
    ) -> Result<RotateSecretOutcome, StoreError> {
        self.database.write(write).await
    }
}
