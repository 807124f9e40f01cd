//! Configures a webhook (§12).

use db::{Sql, StoreError, Transaction, Write, apply_each_in_lock_order};
use domain::webhook::WebhookConfig;
use domain::{ClientId, Timestamp, WorkspaceId};

use super::events_to_text;
use crate::{WorkspaceStore, apps};

/// Configures a webhook. The first configuration gets the new secret; a later one keeps its own.
#[derive(Clone, Debug)]
pub struct ConfigureWebhook {
    /// The app's workspace.
    pub workspace_id: WorkspaceId,
    /// The app.
    pub client_id: ClientId,
    /// The configuration. It resets `failing_since`.
    pub config: WebhookConfig,
    /// The secret of a webhook that has none yet.
    pub new_secret: String,
    /// The present.
    pub now: Timestamp,
}

impl Write for ConfigureWebhook {
    /// `false` if there is no such app.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        static SQL: Sql = Sql::new(
            "INSERT INTO webhooks (workspace_id, client_id, url, enabled, retry_attempts,
                timeout_seconds, events, secret, failures)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)
            ON CONFLICT (workspace_id, client_id) DO UPDATE SET
                url = excluded.url, enabled = excluded.enabled,
                retry_attempts = excluded.retry_attempts,
                timeout_seconds = excluded.timeout_seconds, events = excluded.events,
                failing_since = NULL, failures = 0,
                due_at = (SELECT MIN(CASE WHEN next_attempt_at < $9 THEN next_attempt_at ELSE $9 END)
                    FROM webhook_deliveries AS waiting
                    WHERE waiting.workspace_id = excluded.workspace_id
                        AND waiting.client_id = excluded.client_id
                        AND waiting.next_attempt_at IS NOT NULL)",
        );
        apply_each_in_lock_order(
            writes,
            |write| write.client_id.as_str(),
            async |Self { workspace_id, client_id, config, new_secret, now }| {
                if !apps::lock(transaction, workspace_id.as_str(), client_id.as_str()).await? {
                    return Ok(false);
                }
                let parameters = [
                    workspace_id.as_str().into(),
                    client_id.as_str().into(),
                    config.url.as_ref().into(),
                    config.enabled.into(),
                    config.retry_attempts.into(),
                    config.timeout_seconds.into(),
                    events_to_text(&config.events).into(),
                    new_secret.into(),
                    (*now).into(),
                ];
                transaction.execute(&SQL, &parameters).await.map(|_| true)
            },
        )
        .await
    }
}

impl WorkspaceStore {
    /// Configures a webhook (§12). Returns `false` if there is no such app.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn configure_webhook(&self, write: ConfigureWebhook) -> Result<bool, StoreError> {
        self.database.write(write).await
    }
}
