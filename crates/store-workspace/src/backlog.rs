//! What waits to be handed over and to be delivered, for metrics. Every count stops at a bound.

use db::{Sql, StoreError, Value, read_columns};
use domain::Timestamp;

use crate::WorkspaceStore;

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Pending orders, counted up to [`Backlog::COUNTED`].
    pub orders: u32,
    /// When the oldest pending order was stored, of the 100 that are due first and the 100 that are
    /// due last: those have been retried most often.
    pub oldest_order: Option<Timestamp>,
    /// Deliveries that have not ended, counted up to [`Backlog::COUNTED`].
    pub deliveries: u32,
    /// Webhooks whose receiver fails, of the [`Backlog::COUNTED`] that are due first.
    pub failing_webhooks: u32,
    /// Since when the webhook that is due first has been due; in the future if none is.
    pub oldest_due_webhook: Option<Timestamp>,
}

impl Backlog {
    /// How far is counted.
    pub const COUNTED: u32 = 1_000;
}

read_columns! {
    /// What waits.
    BACKLOG: Backlog {
        orders: count,
        oldest_order: optional_time,
        deliveries: count,
        failing_webhooks: count,
        oldest_due_webhook: optional_time,
    } => Backlog { orders, oldest_order, deliveries, failing_webhooks, oldest_due_webhook }
}

impl WorkspaceStore {
    /// What waits. It reads some 3,000 entries of indexes at most, however much is stored.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn backlog(&self) -> Result<Backlog, StoreError> {
        // The orders name the index that has little but what waits.
        static SQL: Sql = Sql::new(
            "SELECT
            (SELECT COUNT(*) FROM (SELECT next_attempt_at FROM challenge_requests
                WHERE next_attempt_at IS NOT NULL ORDER BY next_attempt_at LIMIT $1) AS pending)
                AS orders,
            (SELECT MIN(created_at) FROM (
                SELECT created_at FROM (SELECT created_at FROM challenge_requests
                    WHERE next_attempt_at IS NOT NULL ORDER BY next_attempt_at LIMIT 100) AS first
                UNION ALL
                SELECT created_at FROM (SELECT created_at FROM challenge_requests
                    WHERE next_attempt_at IS NOT NULL ORDER BY next_attempt_at DESC LIMIT 100)
                    AS last) AS both_ends) AS oldest_order,
            (SELECT COUNT(*) FROM (SELECT next_attempt_at FROM webhook_deliveries
                WHERE next_attempt_at IS NOT NULL
                ORDER BY workspace_id, client_id, next_attempt_at LIMIT $1) AS waiting)
                AS deliveries,
            (SELECT COUNT(*) FROM (SELECT failing_since, enabled FROM webhooks
                WHERE due_at IS NOT NULL ORDER BY due_at LIMIT $1) AS due
                WHERE enabled AND failing_since IS NOT NULL) AS failing_webhooks,
            (SELECT MIN(due_at) FROM (SELECT due_at, enabled FROM webhooks
                WHERE due_at IS NOT NULL ORDER BY due_at LIMIT $1) AS due
                WHERE enabled) AS oldest_due_webhook",
        )
        .reading(&BACKLOG);
        let bound: Value<'static> = Backlog::COUNTED.into();
        Ok(self.database.find(&SQL, vec![bound], BACKLOG.read).await?.unwrap_or_default())
    }
}
