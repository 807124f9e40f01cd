//! Leases pending requests to a scheduler, and releases them (§9).

use std::collections::BTreeSet;
use std::sync::Arc;

use db::{Row, Sql, StoreError, Transaction, Value, Write, apply_each, apply_each_in_lock_order};
use domain::challenge_request::{ChallengeRequest, Status};
use domain::{ClientId, Timestamp, WorkspaceId};

use crate::apps::AppKeyRow;
use crate::challenge_requests::read::REQUEST;
use crate::{RequestKey, WorkspaceStore};

/// Leases pending requests that are due and not leased. Cancels those whose app was deleted.
#[derive(Clone, Debug)]
pub struct LeaseDue {
    /// The scheduler's name, which is unique among the running schedulers.
    pub holder: Arc<str>,
    /// The present.
    pub now: Timestamp,
    /// When the leases expire. Other schedulers can then take the requests over.
    pub until: Timestamp,
    /// The largest number of requests.
    pub limit: u32,
}

impl Write for LeaseDue {
    /// The leased requests.
    type Outcome = Vec<ChallengeRequest>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Vec<ChallengeRequest>>, StoreError> {
        // A request can be stored or retried while its app is being deleted. It is then cancelled
        // here, when it is due for the first time.
        static SQL: Sql = Sql::new(
            "WITH due AS MATERIALIZED (
                SELECT workspace_id AS due_workspace_id, client_id AS due_client_id, id AS due_id,
                    (SELECT deleted_at FROM apps
                        WHERE apps.workspace_id = challenge_requests.workspace_id
                            AND apps.client_id = challenge_requests.client_id) IS NOT NULL
                        AS is_orphaned
                FROM challenge_requests
                WHERE next_attempt_at <= $1
                    AND (lease_expires_at IS NULL OR lease_expires_at <= $1)
                ORDER BY next_attempt_at LIMIT $2 {skip locked})
            UPDATE challenge_requests SET
                status = CASE WHEN is_orphaned THEN 'cancelled' ELSE status END,
                next_attempt_at = CASE WHEN is_orphaned THEN NULL ELSE next_attempt_at END,
                leased_by = CASE WHEN is_orphaned THEN NULL ELSE CAST($3 AS TEXT) END,
                lease_expires_at = CASE WHEN is_orphaned THEN NULL ELSE CAST($4 AS BIGINT) END,
                updated_at = CASE WHEN is_orphaned THEN $1 ELSE updated_at END,
                recall_at = CASE
                    WHEN is_orphaned AND (lease_expires_at IS NOT NULL OR attempts > 0) THEN $1
                    ELSE recall_at END
            FROM due
            WHERE workspace_id = due_workspace_id AND client_id = due_client_id AND id = due_id
            RETURNING {columns}",
        )
        .reading(&REQUEST);
        apply_each(writes, async |Self { holder, now, until, limit }| {
            let parameters = [(*now).into(), (*limit).into(), (&**holder).into(), (*until).into()];
            let mut due = transaction.query(&SQL, &parameters, REQUEST.read).await?;
            due.retain(|request| request.status == Status::Pending);
            Ok(due)
        })
        .await
    }
}

/// Releases all leases of a scheduler, so that other schedulers need not wait until they expire.
///
/// A released request has no holder and an expired lease. This records that an attempt may have
/// created a challenge, which [`CancelRequest`](crate::CancelRequest) must recall.
#[derive(Clone, Debug)]
pub struct ReleaseLeases {
    /// The scheduler's name.
    pub holder: Arc<str>,
}

impl Write for ReleaseLeases {
    /// The number of leases.
    type Outcome = u64;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<u64>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE challenge_requests SET leased_by = NULL, lease_expires_at = 0
            WHERE next_attempt_at IS NOT NULL AND leased_by = $1",
        );
        apply_each(writes, async |Self { holder }| {
            transaction.execute(&SQL, &[(&**holder).into()]).await
        })
        .await
    }
}

/// Releases the lease of a request that was stored with it, but never attempted.
#[derive(Clone, Debug)]
pub struct ReleaseLease {
    /// The request.
    pub key: RequestKey,
    /// The scheduler's name. Nothing changes if another scheduler holds the lease.
    pub holder: Arc<str>,
}

impl Write for ReleaseLease {
    type Outcome = ();

    /// The request may be about to be stored: released before that, it would keep its lease.
    const WAITS_FOR_EARLIER: bool = true;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<()>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE challenge_requests SET leased_by = NULL, lease_expires_at = NULL
            WHERE workspace_id = $1 AND client_id = $2 AND id = $3 AND leased_by = $4",
        );
        apply_each_in_lock_order(
            writes,
            |write| write.key.id,
            async |Self { key, holder }| {
                let [workspace_id, client_id, id] = key.values();
                let parameters = [workspace_id, client_id, id, (&**holder).into()];
                transaction.execute(&SQL, &parameters).await.map(drop)
            },
        )
        .await
    }
}

impl WorkspaceStore {
    /// Leases requests that are due (§9).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn lease_due(&self, write: LeaseDue) -> Result<Vec<ChallengeRequest>, StoreError> {
        self.database.write(write).await
    }

    /// Releases all leases of a scheduler (§9). Returns their number.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn release_leases(&self, write: ReleaseLeases) -> Result<u64, StoreError> {
        self.database.write(write).await
    }

    /// Releases several leases. Each write succeeds or fails alone.
    pub async fn release_each_lease(
        &self,
        writes: Vec<ReleaseLease>,
    ) -> Vec<Result<(), StoreError>> {
        self.database.write_all(writes).await
    }

    /// The apps among these that are deleted.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn deleted_apps(
        &self,
        apps: &BTreeSet<(WorkspaceId, ClientId)>,
    ) -> Result<Vec<(WorkspaceId, ClientId)>, StoreError> {
        static SQL: Sql = Sql::each(
            "SELECT workspace_id, client_id FROM apps
            {join each on} workspace_id = each.workspace AND client_id = each.client
                AND deleted_at IS NOT NULL",
            &AppKeyRow::COLUMNS,
        );
        let rows = apps.iter().map(|app| AppKeyRow::of(app).map(Value::into_owned));
        self.database.query_each(&SQL, rows.collect(), read_app_key).await
    }
}

fn read_app_key(row: &Row<'_>) -> Result<(WorkspaceId, ClientId), StoreError> {
    Ok((row.parsed("workspace_id")?, row.parsed("client_id")?))
}
