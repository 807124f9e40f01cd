//! Leases webhooks that have something to deliver (§12).

use std::sync::Arc;

use db::{Sql, StoreError, Transaction, Value, Write, apply_each, read_columns};
use domain::Timestamp;
use domain::event::Event;

use super::read::{WEBHOOK, Webhook};
use crate::WorkspaceStore;
use crate::events::EVENT;

/// Leases webhooks that are due and not leased, the longest due first.
#[derive(Clone, Debug)]
pub struct TakeWebhooks {
    /// The name of the process, which is unique among the running ones.
    pub holder: Arc<str>,
    /// The present.
    pub now: Timestamp,
    /// When the leases expire. Others can then take the webhooks over.
    pub until: Timestamp,
    /// The largest number of webhooks.
    pub limit: u32,
}

/// Extends the lease of a webhook, because its deliveries take long.
#[derive(Clone, Debug)]
pub struct ExtendWebhookLease {
    /// The webhook.
    pub webhook: Arc<Webhook>,
    /// The name of the process.
    pub holder: Arc<str>,
    /// When the lease expires.
    pub until: Timestamp,
}

/// A delivery that is due.
#[derive(Clone, Debug)]
pub struct DueDelivery {
    /// The event.
    pub event: Event,
    /// How many attempts have been made.
    pub attempts: u32,
    /// The last attempts, as a JSON array.
    pub attempt_log: String,
    /// When it was written.
    pub created_at: Timestamp,
}

read_columns! {
    /// A delivery with its event.
    DUE: DueDelivery {
        ..event = EVENT,
        attempts: count,
        attempt_log: string,
        created_at: time,
    } => DueDelivery { event, attempts, attempt_log, created_at }
}

impl Write for TakeWebhooks {
    type Outcome = Vec<Webhook>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        // A lease that ends far ahead was taken by a clock that was fast.
        static SQL: Sql = Sql::new(
            "WITH due AS MATERIALIZED (
                SELECT workspace_id AS due_workspace_id, client_id AS due_client_id FROM webhooks
                WHERE due_at <= $1 AND enabled
                    AND (lease_expires_at IS NULL OR lease_expires_at <= $1
                        OR lease_expires_at > CAST($4 AS BIGINT) + 60000)
                    AND EXISTS (SELECT 1 FROM apps
                        WHERE apps.workspace_id = webhooks.workspace_id
                            AND apps.client_id = webhooks.client_id AND deleted_at IS NULL)
                ORDER BY due_at LIMIT $2 {skip locked})
            UPDATE webhooks SET leased_by = CAST($3 AS TEXT), lease_expires_at = CAST($4 AS BIGINT)
            FROM due
            WHERE workspace_id = due_workspace_id AND client_id = due_client_id
            RETURNING {columns}",
        )
        .reading(&WEBHOOK);
        apply_each(writes, async |Self { holder, now, until, limit }| {
            let parameters = [(*now).into(), (*limit).into(), (&**holder).into(), (*until).into()];
            transaction.query(&SQL, &parameters, WEBHOOK.read).await
        })
        .await
    }
}

impl Write for ExtendWebhookLease {
    /// `false` if another process has taken the webhook over.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE webhooks SET lease_expires_at = $1
            WHERE workspace_id = $2 AND client_id = $3 AND leased_by = $4",
        );
        apply_each(writes, async |Self { webhook, holder, until }| {
            let parameters = [
                (*until).into(),
                webhook.workspace_id.as_str().into(),
                webhook.client_id.as_str().into(),
                (&**holder).into(),
            ];
            Ok(transaction.execute(&SQL, &parameters).await? == 1)
        })
        .await
    }
}

impl WorkspaceStore {
    /// Leases webhooks that are due (§12).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn take_webhooks(&self, write: TakeWebhooks) -> Result<Vec<Webhook>, StoreError> {
        self.database.write(write).await
    }

    /// Extends the lease of a webhook (§12). Returns `false` if another process has taken it over.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn extend_webhook_lease(
        &self,
        write: ExtendWebhookLease,
    ) -> Result<bool, StoreError> {
        self.database.write(write).await
    }

    /// The deliveries of a webhook that are due: of each production test the first one that has not
    /// ended, at most `limit`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn due_deliveries(
        &self,
        webhook: &Webhook,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueDelivery>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT {columns} FROM (
                SELECT events.client_id, events.sequence, events.name, events.request_id,
                    challenge_id, provider_id, claimed, max_stamp_claims, reason, happened_at,
                    attempts, attempt_log, waiting.created_at AS created_at
                FROM webhook_deliveries AS waiting JOIN events
                    ON events.workspace_id = waiting.workspace_id
                    AND events.client_id = waiting.client_id
                    AND events.sequence = waiting.sequence
                WHERE waiting.workspace_id = $1 AND waiting.client_id = $2
                    AND waiting.next_attempt_at <= $3
                ORDER BY waiting.next_attempt_at, waiting.sequence LIMIT $4) AS due
            ORDER BY sequence",
        )
        .reading(&DUE);
        let parameters = [
            webhook.workspace_id.as_str().into(),
            webhook.client_id.as_str().into(),
            now.into(),
            limit.into(),
        ];
        self.database.query(&SQL, parameters.map(Value::into_owned).into(), DUE.read).await
    }
}
