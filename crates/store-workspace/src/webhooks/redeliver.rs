//! Delivers an event again (§12).

use db::{Sql, StoreError, Transaction, Write, apply_each};
use domain::event::Sequence;
use domain::{ClientId, Timestamp, WorkspaceId};

use super::deliveries::{DELIVERY, DeliveryRecord};
use crate::WorkspaceStore;

/// Delivers an event again, under the same id.
#[derive(Clone, Debug)]
pub struct Redeliver {
    /// The app's workspace.
    pub workspace_id: WorkspaceId,
    /// The app.
    pub client_id: ClientId,
    /// The event's number.
    pub sequence: Sequence,
    /// The present.
    pub now: Timestamp,
}

impl Write for Redeliver {
    /// The delivery as it is now; `None` if there is no such one.
    type Outcome = Option<DeliveryRecord>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        // It is given three days again.
        static SQL: Sql = Sql::new(
            "UPDATE webhook_deliveries SET state = 'pending', next_attempt_at = $4, created_at = $4
            WHERE workspace_id = $1 AND client_id = $2 AND sequence = $3
                AND EXISTS (SELECT 1 FROM events
                    WHERE events.workspace_id = $1 AND events.client_id = $2
                        AND events.sequence = $3)
            RETURNING {columns}",
        )
        .reading(&DELIVERY);
        static SET_DUE: Sql =
            Sql::new("UPDATE webhooks SET due_at = $3 WHERE workspace_id = $1 AND client_id = $2");
        apply_each(writes, async |Self { workspace_id, client_id, sequence, now }| {
            let (workspace, client) = (workspace_id.as_str(), client_id.as_str());
            let parameters =
                [workspace.into(), client.into(), sequence.as_number().into(), (*now).into()];
            let redelivered = transaction.query(&SQL, &parameters, DELIVERY.read).await?.pop();
            if redelivered.is_some() {
                let parameters = [workspace.into(), client.into(), (*now).into()];
                transaction.execute(&SET_DUE, &parameters).await?;
            }
            Ok(redelivered)
        })
        .await
    }
}

impl WorkspaceStore {
    /// Delivers an event again (§12). Returns `None` if there is no such delivery.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn redeliver(&self, write: Redeliver) -> Result<Option<DeliveryRecord>, StoreError> {
        self.database.write(write).await
    }
}
