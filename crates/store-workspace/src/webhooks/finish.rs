//! Records how deliveries went, and gives a webhook back (§12).

use std::sync::Arc;

use db::{Sql, StoreError, Transaction, Write, apply_each_in_lock_order, write_columns};
use domain::event::Sequence;
use domain::{RequestId, Timestamp};

use super::read::Webhook;
use super::{Unblocked, unblock};
use crate::WorkspaceStore;

/// How an attempt to deliver ended.
#[derive(Clone, Debug)]
pub struct DeliveryResult {
    /// The event.
    pub sequence: Sequence,
    /// Its production test.
    pub request_id: RequestId,
    /// The state that the delivery has now: `delivered`, `failed`, or `pending` with the time of its
    /// next attempt.
    pub state: DeliveryState,
    /// The last attempts, as a JSON array.
    pub attempt_log: String,
}

/// The state of a delivery (§12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is attempted at this time.
    Pending(Timestamp),
    /// The receiver has accepted it.
    Delivered,
    /// It was given up.
    Failed,
}

impl DeliveryState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending(_) => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    fn next_attempt_at(self) -> Option<Timestamp> {
        match self {
            Self::Pending(at) => Some(at),
            Self::Delivered | Self::Failed => None,
        }
    }
}

/// Records how the deliveries of a webhook went, and gives it back.
#[derive(Clone, Debug)]
pub struct FinishDeliveries {
    /// The webhook.
    pub webhook: Arc<Webhook>,
    /// The name of the process that has leased it.
    pub holder: Arc<str>,
    /// How its deliveries went.
    pub results: Vec<DeliveryResult>,
    /// Whether it stays enabled.
    pub enabled: bool,
    /// Since when no delivery has succeeded.
    pub failing_since: Option<Timestamp>,
    /// How many attempts in a row have had no answer.
    pub failures: u32,
    /// Until when it rests, because its receiver does not answer.
    pub rests_until: Option<Timestamp>,
    /// When it is due again if something is due that was not found: otherwise it would be taken
    /// without end.
    pub not_before: Option<Timestamp>,
    /// The present.
    pub now: Timestamp,
}

write_columns! {
    /// The result of a delivery.
    ResultRow((&Webhook, &DeliveryResult)) = |(
        Webhook { workspace_id, client_id, .. },
        DeliveryResult { sequence, state, attempt_log, request_id: _ },
    )| {
        workspace: Text = workspace_id.as_str(),
        client: Text = client_id.as_str(),
        number: Integer = sequence.as_number(),
        outcome: Text = state.as_str(),
        log: Text = attempt_log,
        next: Integer = state.next_attempt_at(),
    }
}

static RECORD: Sql = Sql::each(
    "UPDATE webhook_deliveries SET state = each.outcome, attempts = attempts + 1,
        attempt_log = each.log, next_attempt_at = each.next
    {from each}
    WHERE webhook_deliveries.workspace_id = each.workspace
        AND webhook_deliveries.client_id = each.client
        AND webhook_deliveries.sequence = each.number
        AND webhook_deliveries.next_attempt_at IS NOT NULL",
    &ResultRow::COLUMNS,
);

/// Only the holder of the lease gives a webhook back.
static GIVE_BACK: Sql = Sql::new(
    "UPDATE webhooks SET leased_by = NULL, lease_expires_at = NULL,
        enabled = CASE WHEN $4 THEN enabled ELSE FALSE END, failing_since = $5, failures = $6,
        due_at = COALESCE(CAST($7 AS BIGINT), (SELECT
            CASE WHEN MIN(next_attempt_at) <= $9 AND CAST($8 AS BIGINT) IS NOT NULL
                THEN CAST($8 AS BIGINT) ELSE MIN(next_attempt_at) END
            FROM webhook_deliveries AS waiting
            WHERE waiting.workspace_id = $1 AND waiting.client_id = $2
                AND waiting.next_attempt_at IS NOT NULL))
    WHERE workspace_id = $1 AND client_id = $2 AND leased_by = $3",
);

impl Write for FinishDeliveries {
    /// `false` if another process has taken the webhook over.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        let mut sorted: Vec<&Self> = writes.iter().collect();
        sorted.sort_unstable_by_key(|write| write.webhook.client_id.as_str());
        // As where events are recorded: deliveries first, and the webhooks last of all.
        for write in &sorted {
            let results: Vec<_> =
                write.results.iter().map(|result| (&*write.webhook, result)).collect();
            let rows: Vec<_> = results.iter().map(ResultRow::of).collect();
            transaction.execute_each(&RECORD, &rows).await?;
            unblock(transaction, &write.unblocked()).await?;
        }
        apply_each_in_lock_order(
            writes,
            |write| write.webhook.client_id.as_str(),
            async |write| {
                let parameters = [
                    write.webhook.workspace_id.as_str().into(),
                    write.webhook.client_id.as_str().into(),
                    (&*write.holder).into(),
                    write.enabled.into(),
                    write.failing_since.into(),
                    write.failures.into(),
                    write.rests_until.into(),
                    write.not_before.into(),
                    write.now.into(),
                ];
                Ok(transaction.execute(&GIVE_BACK, &parameters).await? == 1)
            },
        )
        .await
    }
}

impl FinishDeliveries {
    /// The production tests whose next delivery may go on.
    fn unblocked(&self) -> Vec<Unblocked> {
        let has_ended = |result: &&DeliveryResult| result.state.next_attempt_at().is_none();
        let Webhook { workspace_id, client_id, .. } = &*self.webhook;
        let test = |result: &DeliveryResult| {
            (workspace_id.clone(), client_id.clone(), result.request_id, self.now)
        };
        self.results.iter().filter(has_ended).map(test).collect()
    }
}

impl WorkspaceStore {
    /// Records how the deliveries of a webhook went, and gives it back (§12). Returns `false` if
    /// another process has taken it over.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn finish_deliveries(&self, write: FinishDeliveries) -> Result<bool, StoreError> {
        self.database.write(write).await
    }
}
