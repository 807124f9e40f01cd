//! Cancels pending challenge requests (§7).

use db::{Sql, StoreError, Transaction, Value, Write, apply_each_in_lock_order};
use domain::challenge_request::ChallengeRequest;
use domain::{RequestId, Timestamp};

use crate::challenge_requests::read::REQUEST;
use crate::events::{self, NewEvent};
use crate::{RequestKey, WorkspaceStore};

/// Cancels a pending request. If an attempt may have created its challenge, it is recalled.
#[derive(Clone, Debug)]
pub struct CancelRequest {
    /// The request.
    pub key: RequestKey,
    /// The present.
    pub now: Timestamp,
}

/// Cancels pending requests at `$1`.
///
/// A running attempt ends before its lease expires, so the recall then finds the challenge that it
/// created. A released lease is an expired one (`ReleaseLease`), because its attempt may have
/// created a challenge as well.
macro_rules! cancel {
    () => {
        "UPDATE challenge_requests SET status = 'cancelled', next_attempt_at = NULL,
            leased_by = NULL, lease_expires_at = NULL, updated_at = $1,
            recall_at = CASE WHEN lease_expires_at IS NOT NULL THEN lease_expires_at
                WHEN attempts > 0 THEN $1 END
        WHERE status = 'pending' AND workspace_id = $2 AND client_id = $3"
    };
}

impl Write for CancelRequest {
    /// The cancelled request, or `None` if it was not pending.
    type Outcome = Option<ChallengeRequest>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        static SQL: Sql =
            Sql::new(concat!(cancel!(), " AND id = $4 RETURNING {columns}")).reading(&REQUEST);
        let cancelled = apply_each_in_lock_order(
            writes,
            |write| write.key.id,
            async |Self { key, now }| {
                let [workspace_id, client_id, id] = key.values();
                let parameters = [(*now).into(), workspace_id, client_id, id];
                Ok(transaction.query(&SQL, &parameters, REQUEST.read).await?.pop())
            },
        )
        .await?;
        let events: Vec<_> = cancelled.iter().flatten().map(NewEvent::cancelled).collect();
        events::record(transaction, &events).await?;
        Ok(cancelled)
    }
}

/// Cancels an app's pending requests, and recalls its active challenges: of the requests after the first
/// of these ids, up to the second.
pub(crate) async fn cancel_range(
    transaction: &Transaction<'_>,
    app: &[Value<'_>; 2],
    (after, last): (RequestId, RequestId),
    now: Timestamp,
) -> Result<(), StoreError> {
    static CANCEL: Sql = Sql::new(concat!(cancel!(), " AND id > $4 AND id <= $5"));
    static RECALL: Sql = Sql::new(
        "UPDATE challenge_requests SET recall_at = $1
        WHERE workspace_id = $2 AND client_id = $3 AND status = 'scheduled'
            AND challenge_expires_at > $1 AND challenge_completed_at IS NULL
            AND NOT challenge_is_closed AND id > $4 AND id <= $5",
    );
    let [workspace, client] = app.clone();
    let parameters =
        [now.into(), workspace, client, after.as_bytes().into(), last.as_bytes().into()];
    transaction.execute(&CANCEL, &parameters).await?;
    transaction.execute(&RECALL, &parameters).await?;
    Ok(())
}

impl WorkspaceStore {
    /// Cancels a pending request (§7). Returns `None` if it is not pending.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn cancel_request(
        &self,
        write: CancelRequest,
    ) -> Result<Option<ChallengeRequest>, StoreError> {
        self.database.write(write).await
    }
}
