//! Recalls challenges that may exist although their request was cancelled or has failed (§7, §9).

use std::time::Duration;

use db::{Sql, StoreError, Transaction, Write, apply_each, apply_each_in_lock_order};
use domain::Timestamp;
use domain::challenge_request::ChallengeRequest;

use crate::challenge_requests::read::REQUEST;
use crate::{RequestKey, WorkspaceStore};

/// Takes requests that are due for a recall. They are due again at `again_at`, in case the
/// scheduler stops before the recall is finished, or later: by an eighth of the time since the
/// request was called off, but at most an hour. So no recall is ever given up, and none is a
/// burden.
#[derive(Clone, Debug)]
pub struct TakeRecalls {
    /// The present.
    pub now: Timestamp,
    /// When the requests are due again.
    pub again_at: Timestamp,
    /// The largest number of requests.
    pub limit: u32,
}

impl Write for TakeRecalls {
    /// The requests.
    type Outcome = Vec<ChallengeRequest>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        static SQL: Sql = Sql::new(
            "WITH due AS MATERIALIZED (
                SELECT workspace_id AS due_workspace_id, client_id AS due_client_id, id AS due_id
                FROM challenge_requests
                WHERE recall_at <= $1 OR recall_at > $4
                ORDER BY recall_at LIMIT $2 {skip locked})
            UPDATE challenge_requests SET recall_at = $3 + CASE
                WHEN $1 - updated_at > 28800000 THEN 3600000
                WHEN $1 > updated_at THEN ($1 - updated_at) / 8
                ELSE 0 END
            FROM due
            WHERE workspace_id = due_workspace_id AND client_id = due_client_id AND id = due_id
            RETURNING {columns}",
        )
        .reading(&REQUEST);
        apply_each(writes, async |Self { now, again_at, limit }| {
            // A recall that lies further ahead was set by a clock that was fast.
            let far = again_at.plus(Duration::from_hours(2));
            let parameters = [(*now).into(), (*limit).into(), (*again_at).into(), far.into()];
            transaction.query(&SQL, &parameters, REQUEST.read).await
        })
        .await
    }
}

/// Records that a cancelled or failed request has no open challenge.
#[derive(Clone, Debug)]
pub struct FinishRecall(pub RequestKey);

impl Write for FinishRecall {
    type Outcome = ();

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<()>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE challenge_requests SET recall_at = NULL
            WHERE workspace_id = $1 AND client_id = $2 AND id = $3",
        );
        apply_each_in_lock_order(
            writes,
            |Self(key)| key.id,
            async |Self(key)| transaction.execute(&SQL, &key.values()).await.map(drop),
        )
        .await
    }
}

impl WorkspaceStore {
    /// Takes requests that are due for a recall (§7).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn take_recalls(
        &self,
        write: TakeRecalls,
    ) -> Result<Vec<ChallengeRequest>, StoreError> {
        self.database.write(write).await
    }

    /// Records that a cancelled or failed request has no open challenge (§7, §9).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn finish_recall(&self, write: FinishRecall) -> Result<(), StoreError> {
        self.database.write(write).await
    }
}
