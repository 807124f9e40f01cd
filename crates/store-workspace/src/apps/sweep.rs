//! Cancels and recalls the orders of deleted apps, batch by batch (§11): however many there are, no
//! other write waits for them.

use db::{Sql, StoreError, Transaction, Value, Write};
use domain::{ClientId, RequestId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;
use crate::challenge_requests::{cancel, read_id};

/// Sweeps the next orders of the app that was deleted first.
#[derive(Clone, Debug)]
pub struct SweepDeletedApp {
    /// The present.
    pub now: Timestamp,
    /// The largest number of orders.
    pub limit: u32,
}

/// An app that is not swept to its end.
type Unswept = (WorkspaceId, ClientId, Option<RequestId>);

impl Write for SweepDeletedApp {
    /// Whether there was such an app.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        let mut outcomes = Vec::with_capacity(writes.len());
        for write in writes {
            outcomes.push(write.sweep(transaction).await?);
        }
        Ok(outcomes)
    }
}

impl SweepDeletedApp {
    async fn sweep(&self, transaction: &Transaction<'_>) -> Result<bool, StoreError> {
        static NEXT: Sql = Sql::new(
            "SELECT workspace_id, client_id, swept_until FROM apps
            WHERE deleted_at IS NOT NULL AND swept_at IS NULL
            ORDER BY deleted_at LIMIT 1 {skip locked}",
        );
        static ORDERS: Sql = Sql::new(
            "SELECT id FROM challenge_requests
            WHERE workspace_id = $1 AND client_id = $2 AND id > $3 ORDER BY id LIMIT $4",
        );
        static MARK: Sql = Sql::new(
            "UPDATE apps SET swept_until = $1, swept_at = $2
            WHERE workspace_id = $3 AND client_id = $4",
        );
        let next = transaction.query(&NEXT, &[], |row| {
            let until = row.optional_bytes("swept_until")?.map(RequestId::from_bytes);
            Ok::<Unswept, _>((row.parsed("workspace_id")?, row.parsed("client_id")?, until))
        });
        let Some((workspace_id, client_id, until)) = next.await?.pop() else { return Ok(false) };
        let app: [Value<'_>; 2] = [workspace_id.as_str().into(), client_id.as_str().into()];
        let [workspace, client] = app.clone();
        let after = until.unwrap_or(RequestId::from_bytes([0; 16]));
        let parameters = [workspace, client, after.as_bytes().into(), self.limit.into()];
        let orders = transaction.query(&ORDERS, &parameters, read_id).await?;
        let last = orders.last().copied().unwrap_or(after);
        if !orders.is_empty() {
            cancel::cancel_range(transaction, &app, (after, last), self.now).await?;
        }
        let is_end = u32::try_from(orders.len()).unwrap_or(u32::MAX) < self.limit;
        let [workspace, client] = app;
        let swept_at = is_end.then_some(self.now);
        let parameters = [last.as_bytes().into(), swept_at.into(), workspace, client];
        transaction.execute(&MARK, &parameters).await?;
        Ok(true)
    }
}

impl WorkspaceStore {
    /// Sweeps the next orders of a deleted app (§11). Returns `false` if no app needs it.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn sweep_deleted_app(&self, write: SweepDeletedApp) -> Result<bool, StoreError> {
        self.database.write(write).await
    }
}
