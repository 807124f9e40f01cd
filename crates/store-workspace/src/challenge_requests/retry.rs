//! Retries a failed challenge request (§7).

use std::collections::BTreeSet;

use db::{Sql, StoreError, Transaction, Write, apply_each_in_lock_order};
use domain::Timestamp;
use domain::challenge_request::ChallengeRequest;
use domain::retry::DEFAULT_TIMEOUT;

use crate::challenge_requests::read::REQUEST;
use crate::{RequestKey, WorkspaceStore, apps};

/// Makes a failed request pending again, as if it were new.
#[derive(Clone, Debug)]
pub struct RetryRequest {
    /// The request.
    pub key: RequestKey,
    /// The present.
    pub now: Timestamp,
}

impl Write for RetryRequest {
    /// The request, or `None` if it has not failed, or its app is deleted.
    type Outcome = Option<ChallengeRequest>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Self::Outcome>, StoreError> {
        // The count of attempts is reset. The expired lease records that there were attempts (see
        // `ReleaseLease`).
        static SQL: Sql = Sql::new(
            "UPDATE challenge_requests SET status = 'pending', attempts = 0, next_attempt_at = $1,
                updated_at = $1, give_up_at = $2, last_error = NULL, lease_expires_at = 0,
                recall_at = NULL
            WHERE workspace_id = $3 AND client_id = $4 AND id = $5 AND status = 'failed'
            RETURNING {columns}",
        )
        .reading(&REQUEST);
        let apps = lock_apps(writes.iter().map(|write| &write.key), transaction).await?;
        apply_each_in_lock_order(
            writes,
            |write| write.key.id,
            async |Self { key, now }| {
                if !apps.contains(&(key.workspace_id.as_str(), key.client_id.as_str())) {
                    return Ok(None);
                }
                let [workspace_id, client_id, id] = key.values();
                let give_up_at = now.plus(DEFAULT_TIMEOUT).into();
                let parameters = [(*now).into(), give_up_at, workspace_id, client_id, id];
                Ok(transaction.query(&SQL, &parameters, REQUEST.read).await?.pop())
            },
        )
        .await
    }
}

/// Locks the apps of these requests until the end of the transaction, so that they are not deleted.
/// Returns those that exist.
async fn lock_apps<'a>(
    keys: impl Iterator<Item = &'a RequestKey>,
    transaction: &Transaction<'_>,
) -> Result<BTreeSet<(&'a str, &'a str)>, StoreError> {
    let mut existing: BTreeSet<_> =
        keys.map(|key| (key.workspace_id.as_str(), key.client_id.as_str())).collect();
    for app @ (workspace_id, client_id) in existing.clone() {
        if !apps::lock(transaction, workspace_id, client_id).await? {
            existing.remove(&app);
        }
    }
    Ok(existing)
}

impl WorkspaceStore {
    /// Makes a failed request pending again (§7). Returns `None` if it has not failed, or its app
    /// is deleted.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn retry_request(
        &self,
        write: RetryRequest,
    ) -> Result<Option<ChallengeRequest>, StoreError> {
        self.database.write(write).await
    }
}
