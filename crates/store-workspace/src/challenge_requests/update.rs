//! Changes pending challenge requests (§7).

use db::{Sql, StoreError, Transaction, Write, apply_each_in_lock_order};
use domain::Timestamp;
use domain::challenge_request::ChallengeRequest;
use domain::challenge_update::ChallengeUpdate;
use domain::production_test::StampLimit;

use crate::challenge_requests::read::REQUEST;
use crate::events::{self, NewEvent};
use crate::{RequestKey, WorkspaceStore};

/// Changes a pending request that no scheduler is attempting: an attempt hands over what it has
/// read.
#[derive(Clone, Debug)]
pub struct UpdateRequest {
    /// The request.
    pub key: RequestKey,
    /// The new values.
    pub update: ChallengeUpdate,
    /// The present.
    pub now: Timestamp,
}

impl Write for UpdateRequest {
    /// The changed request, or `None` if it was not pending, is being attempted, or has a higher
    /// limit.
    type Outcome = Option<ChallengeRequest>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE challenge_requests SET
                max_stamp_claims = COALESCE(CAST($5 AS BIGINT), max_stamp_claims),
                requested_expires_at = COALESCE(CAST($6 AS BIGINT), requested_expires_at),
                updated_at = $1
            WHERE status = 'pending' AND workspace_id = $2 AND client_id = $3 AND id = $4
                AND (leased_by IS NULL OR lease_expires_at <= $1)
                AND max_stamp_claims <= COALESCE(CAST($5 AS BIGINT), max_stamp_claims)
            RETURNING {columns}",
        )
        .reading(&REQUEST);
        let updated = apply_each_in_lock_order(
            writes,
            |write| write.key.id,
            async |Self { key, update, now }| {
                let [workspace_id, client_id, id] = key.values();
                let limit = update.max_stamps.map(StampLimit::get);
                let parameters = [
                    (*now).into(),
                    workspace_id,
                    client_id,
                    id,
                    limit.into(),
                    update.expires_at.into(),
                ];
                Ok(transaction.query(&SQL, &parameters, REQUEST.read).await?.pop())
            },
        )
        .await?;
        let events: Vec<_> = updated.iter().flatten().map(NewEvent::updated).collect();
        events::record(transaction, &events).await?;
        Ok(updated)
    }
}

impl WorkspaceStore {
    /// Changes a pending request (§7). Returns `None` if it is not pending, or being attempted.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn update_request(
        &self,
        write: UpdateRequest,
    ) -> Result<Option<ChallengeRequest>, StoreError> {
        self.database.write(write).await
    }
}
