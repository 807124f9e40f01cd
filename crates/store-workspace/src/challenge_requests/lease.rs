//! Leases pending requests to a scheduler, and releases them (§9).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use db::{Row, Sql, StoreError, Transaction, Value, Write, apply_each, apply_each_in_lock_order};
use domain::challenge::ReturnUris;
use domain::challenge_request::{ChallengeRequest, Status};
use domain::{ClientId, Timestamp, WorkspaceId};

use crate::apps::AppKeyRow;
use crate::challenge_requests::read::REQUEST;
use crate::{RequestKey, WorkspaceStore};

/// The holder of the leases of one process on an embedded database; `random` differs from process
/// to process.
#[must_use]
pub fn embedded_holder(random: &str) -> String {
    format!("embedded-{random}")
}

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

/// Leases what is found by a condition, in an order. A lease that ends far ahead was taken by a
/// clock that was fast, and is none. One of an embedded database's other scheduler was left behind
/// by a crash, because such a database belongs to one process at a time ([`embedded_holder`]).
///
/// A request can be stored or retried while its app is being deleted. It is then cancelled here,
/// when it is due for the first time.
macro_rules! lease {
    ($condition:literal, $order:literal) => {
        Sql::new(concat!(
            "WITH due AS MATERIALIZED (
                SELECT workspace_id AS due_workspace_id, client_id AS due_client_id, id AS due_id,
                    (SELECT deleted_at FROM apps
                        WHERE apps.workspace_id = challenge_requests.workspace_id
                            AND apps.client_id = challenge_requests.client_id) IS NOT NULL
                        AS is_orphaned
                FROM challenge_requests
                WHERE ",
            $condition,
            " AND (lease_expires_at IS NULL OR lease_expires_at <= $1 OR lease_expires_at > $5
                    OR (leased_by LIKE 'embedded-%' AND leased_by <> $3 AND $3 LIKE 'embedded-%'))
                ORDER BY ",
            $order,
            " LIMIT $2 {skip locked})
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
            RETURNING {columns}"
        ))
        .reading(&REQUEST)
    };
}

static LEASE_DUE: Sql = lease!("next_attempt_at <= $1", "next_attempt_at");

/// Those whose time only a clock that was fast can have set.
static LEASE_FAR: Sql = lease!("next_attempt_at > $6", "next_attempt_at DESC");

/// How far ahead the next attempt lies if only a clock that was fast can have set it: no retry is
/// later than a day, and clocks differ.
const FAR: Duration = Duration::from_hours(25);

/// How much longer than a new lease another one may last, because clocks differ.
const SKEW: Duration = Duration::from_mins(5);

impl Write for LeaseDue {
    /// The leased requests.
    type Outcome = Vec<ChallengeRequest>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Vec<ChallengeRequest>>, StoreError> {
        apply_each(writes, async |Self { holder, now, until, limit }| {
            let latest = until.plus(SKEW);
            let parameters = [
                (*now).into(),
                (*limit).into(),
                (&**holder).into(),
                (*until).into(),
                latest.into(),
            ];
            let mut due = transaction.query(&LEASE_DUE, &parameters, REQUEST.read).await?;
            let rest = limit.saturating_sub(u32::try_from(due.len()).unwrap_or(u32::MAX));
            let parameters = [
                (*now).into(),
                rest.into(),
                (&**holder).into(),
                (*until).into(),
                latest.into(),
                now.plus(FAR).into(),
            ];
            due.extend(transaction.query(&LEASE_FAR, &parameters, REQUEST.read).await?);
            due.retain(|request| request.status == Status::Pending);
            Ok(due)
        })
        .await
    }
}

/// Releases the lease of a request, so that other schedulers need not wait until it expires.
///
/// A request whose attempt may have begun has no holder then and an expired lease. This records
/// that the attempt may have created a challenge, which [`CancelRequest`](crate::CancelRequest)
/// must recall. One that was never attempted has no lease.
#[derive(Clone, Debug)]
pub struct ReleaseLease {
    /// The request.
    pub key: RequestKey,
    /// The scheduler's name. Nothing changes if another scheduler holds the lease.
    pub holder: Arc<str>,
    /// Whether an attempt may have begun.
    pub was_attempted: bool,
}

impl Write for ReleaseLease {
    /// Whether there was such a lease.
    type Outcome = bool;

    /// The request may be about to be stored: released before that, it would keep its lease.
    const WAITS_FOR_EARLIER: bool = true;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE challenge_requests SET leased_by = NULL,
                lease_expires_at = CASE WHEN $5 THEN 0 ELSE NULL END
            WHERE workspace_id = $1 AND client_id = $2 AND id = $3 AND leased_by = $4",
        );
        apply_each_in_lock_order(
            writes,
            |write| write.key.id,
            async |Self { key, holder, was_attempted }| {
                let [workspace_id, client_id, id] = key.values();
                let (holder, was_attempted) = ((&**holder).into(), (*was_attempted).into());
                let parameters = [workspace_id, client_id, id, holder, was_attempted];
                Ok(transaction.execute(&SQL, &parameters).await? > 0)
            },
        )
        .await
    }
}

/// What a hand-over needs to know of an app besides its request (§9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppAtHandOver {
    /// It was deleted, so its requests are not handed over.
    Deleted,
    /// It says where testers may go on after a participation.
    Returning(ReturnUris),
}

impl WorkspaceStore {
    /// Leases requests that are due (§9).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn lease_due(&self, write: LeaseDue) -> Result<Vec<ChallengeRequest>, StoreError> {
        self.database.write(write).await
    }

    /// Releases several leases, each by itself (§9). Returns how many were released.
    pub async fn release_each_lease(&self, writes: Vec<ReleaseLease>) -> usize {
        let released = self.database.write_all(writes).await;
        released.into_iter().filter(|released| matches!(released, Ok(true))).count()
    }

    /// The apps among these of which a hand-over needs to know something.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn apps_at_hand_over(
        &self,
        apps: &BTreeSet<(WorkspaceId, ClientId)>,
    ) -> Result<HashMap<(WorkspaceId, ClientId), AppAtHandOver>, StoreError> {
        static SQL: Sql = Sql::each(
            "SELECT workspace_id, client_id, deleted_at, default_success_redirect_uri,
                default_failure_redirect_uri
            FROM apps {join each on} workspace_id = each.workspace AND client_id = each.client
                AND (deleted_at IS NOT NULL OR default_success_redirect_uri IS NOT NULL
                    OR default_failure_redirect_uri IS NOT NULL)",
            &AppKeyRow::COLUMNS,
        );
        let rows = apps.iter().map(|app| AppKeyRow::of(app).map(Value::into_owned));
        let found = self.database.query_each(&SQL, rows.collect(), read_app).await?;
        Ok(found.into_iter().collect())
    }
}

fn read_app(row: &Row<'_>) -> Result<((WorkspaceId, ClientId), AppAtHandOver), StoreError> {
    let key = (row.parsed("workspace_id")?, row.parsed("client_id")?);
    if row.optional_time("deleted_at")?.is_some() {
        return Ok((key, AppAtHandOver::Deleted));
    }
    let return_uris = ReturnUris {
        success: row.optional_string("default_success_redirect_uri")?,
        failure: row.optional_string("default_failure_redirect_uri")?,
    };
    Ok((key, AppAtHandOver::Returning(return_uris)))
}
