//! Rotates the secret of a webhook (§12).

use db::{Idempotency, KeyClaim, Sql, StoreError, Transaction, Write, apply_each_in_lock_order};
use domain::sealed_secret::SealedSecret;
use domain::webhook::ROTATION_OVERLAP;
use domain::{ClientId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;
use crate::idempotency::{Claim, IdempotentResult, RECORDS};

/// Rotates the secret of a webhook. The old one signs beside the new one for a day.
#[derive(Clone, Debug)]
pub struct RotateWebhookSecret {
    /// The app's workspace.
    pub workspace_id: WorkspaceId,
    /// The app.
    pub client_id: ClientId,
    /// The new secret.
    pub new_secret: String,
    /// Whether to rotate even while the secret before the last rotation still signs, which then
    /// ends.
    pub force: bool,
    /// The idempotency key, if the client sent one, and the secret that a replay shows again.
    pub idempotency: Option<(Idempotency, SealedSecret)>,
    /// The present.
    pub now: Timestamp,
}

/// Whether the secret of a webhook was rotated.
#[derive(Clone, Debug)]
pub enum RotateWebhookSecretOutcome {
    /// The webhook has the new secret.
    Rotated,
    /// The app has no webhook.
    NoWebhook,
    /// The secret before the last rotation still signs.
    InRotation,
    /// The same request claimed the key before. This is its result.
    Replay(Box<IdempotentResult>),
    /// The key was used for another request.
    KeyConflict,
}

impl Write for RotateWebhookSecret {
    type Outcome = RotateWebhookSecretOutcome;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<RotateWebhookSecretOutcome>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE webhooks SET previous_secret = secret, previous_secret_until = $4, secret = $3
            WHERE workspace_id = $1 AND client_id = $2",
        );
        apply_each_in_lock_order(
            writes,
            |write| write.client_id.as_str(),
            async |write| write.rotate(&SQL, transaction).await,
        )
        .await
    }
}

impl RotateWebhookSecret {
    async fn rotate(
        &self,
        sql: &'static Sql,
        transaction: &Transaction<'_>,
    ) -> Result<RotateWebhookSecretOutcome, StoreError> {
        let Self { workspace_id, client_id, new_secret, force, idempotency, now } = self;
        let key = [workspace_id.as_str().into(), client_id.as_str().into()];
        let until = transaction.query(&LOCK, &key, |row| row.optional_time("until")).await?.pop();
        let Some(until) = until else { return Ok(RotateWebhookSecretOutcome::NoWebhook) };
        let may_rotate = *force || until.is_none_or(|until| until <= *now);
        if let Some((idempotency, sealed_secret)) = idempotency {
            let earlier = (workspace_id, &idempotency.key, *now);
            let is_used = !RECORDS.find_each(transaction, &[earlier]).await?.is_empty();
            if !may_rotate && !is_used {
                return Ok(RotateWebhookSecretOutcome::InRotation);
            }
            let claim = Claim {
                sealed_secret: Some(sealed_secret),
                ..Claim::new(workspace_id, idempotency, client_id)
            };
            match RECORDS.claim(transaction, vec![claim.row()]).await?.pop() {
                Some(KeyClaim::Fresh) => {}
                Some(KeyClaim::Replay(result)) => {
                    return Ok(RotateWebhookSecretOutcome::Replay(Box::new(result)));
                }
                Some(KeyClaim::Conflict) | None => {
                    return Ok(RotateWebhookSecretOutcome::KeyConflict);
                }
            }
        }
        if !may_rotate {
            return Ok(RotateWebhookSecretOutcome::InRotation);
        }
        let parameters = [
            workspace_id.as_str().into(),
            client_id.as_str().into(),
            new_secret.into(),
            now.plus(ROTATION_OVERLAP).into(),
        ];
        transaction.execute(sql, &parameters).await?;
        Ok(RotateWebhookSecretOutcome::Rotated)
    }
}

static LOCK: Sql = Sql::new(
    "SELECT previous_secret_until AS until FROM webhooks
    WHERE workspace_id = $1 AND client_id = $2 {lock}",
);

impl WorkspaceStore {
    /// Rotates the secret of a webhook (§12).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn rotate_webhook_secret(
        &self,
        write: RotateWebhookSecret,
    ) -> Result<RotateWebhookSecretOutcome, StoreError> {
        self.database.write(write).await
    }
}
