//! What a relying party's engineer can do to a challenge request once it is ordered: call it off,
//! or have it tried again (§7). And what becomes of challenges that were made at the moment when
//! their request was called off.

use std::collections::BTreeSet;

use db::{Sql, StoreError, Transaction, Write, apply_each, apply_each_in_lock_order};
use domain::Timestamp;
use domain::challenge_request::ChallengeRequest;
use domain::retry::DEFAULT_TIMEOUT;

use crate::challenge_requests::{read_request, request_columns};
use crate::events::{self, NewEvent};
use crate::{RequestKey, WorkspaceStore};

/// Calls a pending request off. If it may have been handed over by now, it is to be recalled.
#[derive(Clone, Debug)]
pub struct CancelRequest {
    /// Which.
    pub key: RequestKey,
    /// When.
    pub now: Timestamp,
}

impl Write for CancelRequest {
    /// The request, if this has called it off; `None` if it was not pending.
    type Outcome = Option<ChallengeRequest>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        // Whoever attempts it right now is done when the lease ends: what was made by then is seen
        // by the recall. A lease that is over leaves its end behind (see `ReleaseLeases`): the
        // attempt may have made a challenge all the same.
        static SQL: Sql = Sql::new(concat!(
            "UPDATE challenge_requests SET status = 'cancelled', next_attempt_at = NULL, leased_by = NULL,
                lease_expires_at = NULL, updated_at = $1,
                recall_at = CASE WHEN lease_expires_at IS NOT NULL THEN lease_expires_at WHEN attempts > 0 THEN $1 END
            WHERE workspace_id = $2 AND client_id = $3 AND id = $4 AND status = 'pending'
            RETURNING ",
            request_columns!()
        ));
        let cancelled = apply_each_in_lock_order(
            writes,
            |write| write.key.id,
            async |Self { key: RequestKey { workspace_id, client_id, id }, now }| {
                let key = [
                    (*now).into(),
                    workspace_id.as_str().into(),
                    client_id.as_str().into(),
                    id.as_bytes().into(),
                ];
                Ok(transaction.query(&SQL, &key, read_request).await?.pop())
            },
        )
        .await?;
        let events: Vec<_> = cancelled.iter().flatten().map(NewEvent::called_off).collect();
        events::record(transaction, &events).await?;
        Ok(cancelled)
    }
}

/// Puts a failed request back into the queue, as if it were new.
#[derive(Clone, Debug)]
pub struct RetryRequest {
    /// Which.
    pub key: RequestKey,
    /// When.
    pub now: Timestamp,
}

impl Write for RetryRequest {
    /// The request, if this has put it back; `None` if it had not failed, or its app is deleted.
    type Outcome = Option<ChallengeRequest>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        // The attempts are forgotten, but not that there were some (see `ReleaseLeases`).
        static SQL: Sql = Sql::new(concat!(
            "UPDATE challenge_requests SET status = 'pending', attempts = 0, next_attempt_at = $1, updated_at = $1,
                give_up_at = $2, last_error = NULL, lease_expires_at = 0
            WHERE workspace_id = $3 AND client_id = $4 AND id = $5 AND status = 'failed'
            RETURNING ",
            request_columns!()
        ));
        let apps = lock_apps(writes.iter().map(|write| &write.key), transaction).await?;
        apply_each_in_lock_order(
            writes,
            |write| write.key.id,
            async |Self { key: RequestKey { workspace_id, client_id, id }, now }| {
                if !apps.contains(&(workspace_id.as_str(), client_id.as_str())) {
                    return Ok(None);
                }
                let parameters = [
                    (*now).into(),
                    now.plus(DEFAULT_TIMEOUT).into(),
                    workspace_id.as_str().into(),
                    client_id.as_str().into(),
                    id.as_bytes().into(),
                ];
                Ok(transaction.query(&SQL, &parameters, read_request).await?.pop())
            },
        )
        .await
    }
}

/// Locks the apps of these requests: until the end of the transaction they cannot be deleted. Those
/// that are there.
async fn lock_apps<'a>(
    keys: impl Iterator<Item = &'a RequestKey>,
    transaction: &Transaction<'_>,
) -> Result<BTreeSet<(&'a str, &'a str)>, StoreError> {
    static SQL: Sql = Sql::new(
        "SELECT client_id FROM apps WHERE workspace_id = $1 AND client_id = $2 AND deleted_at IS NULL {lock}",
    );
    let mut apps: BTreeSet<_> =
        keys.map(|key| (key.workspace_id.as_str(), key.client_id.as_str())).collect();
    for app @ (workspace_id, client_id) in apps.clone() {
        if transaction
            .query(&SQL, &[workspace_id.into(), client_id.into()], |_| Ok(()))
            .await?
            .is_empty()
        {
            apps.remove(&app);
        }
    }
    Ok(apps)
}

/// Takes requests that are due to be recalled. They are due again at `again_at`, in case whoever
/// took them dies.
#[derive(Clone, Debug)]
pub struct TakeRecalls {
    /// The present.
    pub now: Timestamp,
    /// When they are due again, unless the recall is finished before.
    pub again_at: Timestamp,
    /// How many at most.
    pub limit: u32,
}

impl Write for TakeRecalls {
    type Outcome = Vec<ChallengeRequest>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        static SQL: Sql = Sql::new(concat!(
            "WITH due AS MATERIALIZED (
                SELECT workspace_id AS due_workspace_id, client_id AS due_client_id, id AS due_id FROM challenge_requests
                WHERE recall_at <= $1 ORDER BY recall_at LIMIT $2 {skip locked})
            UPDATE challenge_requests SET recall_at = $3 FROM due
            WHERE workspace_id = due_workspace_id AND client_id = due_client_id AND id = due_id
            RETURNING ",
            request_columns!()
        ));
        apply_each(writes, async |Self { now, again_at, limit }| {
            transaction
                .query(&SQL, &[(*now).into(), (*limit).into(), (*again_at).into()], read_request)
                .await
        })
        .await
    }
}

/// Writes down that a called-off request has no open challenge.
#[derive(Clone, Debug)]
pub struct FinishRecall(pub RequestKey);

impl Write for FinishRecall {
    type Outcome = ();

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<()>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE challenge_requests SET recall_at = NULL WHERE workspace_id = $1 AND client_id = $2 AND id = $3",
        );
        apply_each_in_lock_order(
            writes,
            |Self(key)| key.id,
            async |Self(RequestKey { workspace_id, client_id, id })| {
                let key =
                    [workspace_id.as_str().into(), client_id.as_str().into(), id.as_bytes().into()];
                transaction.execute(&SQL, &key).await.map(drop)
            },
        )
        .await
    }
}

impl WorkspaceStore {
    /// Calls a pending request off; `None` when it is not pending.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn cancel_request(
        &self,
        write: CancelRequest,
    ) -> Result<Option<ChallengeRequest>, StoreError> {
        self.database.write(write).await
    }

    /// Puts a failed request back into the queue; `None` when it has not failed, or its app is
    /// deleted.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn retry_request(
        &self,
        write: RetryRequest,
    ) -> Result<Option<ChallengeRequest>, StoreError> {
        self.database.write(write).await
    }

    /// Takes requests that are due to be recalled.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn take_recalls(
        &self,
        write: TakeRecalls,
    ) -> Result<Vec<ChallengeRequest>, StoreError> {
        self.database.write(write).await
    }

    /// Writes down that a recall is done.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn finish_recall(&self, write: FinishRecall) -> Result<(), StoreError> {
        self.database.write(write).await
    }
}
