//! The queue: pending requests are leased, handed over, and finished (§9).

use std::collections::BTreeSet;
use std::sync::Arc;

use db::{
    Kind, Row, Sql, StoreError, Transaction, Value, Write, apply_each, apply_each_in_lock_order,
    split_on_conflict,
};
use domain::challenge::Challenge;
use domain::challenge_request::{ChallengeRequest, Status};
use domain::event::EventBody;
use domain::{ClientId, RequestId, Timestamp, WorkspaceId};

use crate::challenge_requests::{read_request, request_columns};
use crate::events::{self, NewEvent};
use crate::{RequestKey, WorkspaceStore};

/// Leases pending requests whose next attempt is due and which nobody else has leased. Those whose
/// app was deleted are cancelled instead.
#[derive(Clone, Debug)]
pub struct LeaseDue {
    /// Who takes them: a name that no other running scheduler has.
    pub holder: Arc<str>,
    /// The present.
    pub now: Timestamp,
    /// When the lease ends by itself, so that others take over if its holder dies.
    pub until: Timestamp,
    /// How many at most.
    pub limit: u32,
}

impl Write for LeaseDue {
    type Outcome = Vec<ChallengeRequest>;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Vec<ChallengeRequest>>, StoreError> {
        // An order or a retry may have been decided while its app was being deleted. Its first look
        // is its last.
        static SQL: Sql = Sql::new(concat!(
            "WITH due AS MATERIALIZED (
                SELECT workspace_id AS due_workspace_id, client_id AS due_client_id, id AS due_id,
                    (SELECT deleted_at FROM apps WHERE apps.workspace_id = challenge_requests.workspace_id
                        AND apps.client_id = challenge_requests.client_id) IS NOT NULL AS is_orphaned
                FROM challenge_requests
                WHERE next_attempt_at <= $1 AND (lease_expires_at IS NULL OR lease_expires_at <= $1)
                ORDER BY next_attempt_at LIMIT $2 {skip locked})
            UPDATE challenge_requests SET
                status = CASE WHEN is_orphaned THEN 'cancelled' ELSE status END,
                next_attempt_at = CASE WHEN is_orphaned THEN NULL ELSE next_attempt_at END,
                leased_by = CASE WHEN is_orphaned THEN NULL ELSE CAST($3 AS TEXT) END,
                lease_expires_at = CASE WHEN is_orphaned THEN NULL ELSE CAST($4 AS BIGINT) END,
                updated_at = CASE WHEN is_orphaned THEN $1 ELSE updated_at END,
                recall_at = CASE WHEN is_orphaned AND (lease_expires_at IS NOT NULL OR attempts > 0) THEN $1
                    ELSE recall_at END
            FROM due
            WHERE workspace_id = due_workspace_id AND client_id = due_client_id AND id = due_id
            RETURNING ",
            request_columns!()
        ));
        apply_each(writes, async |Self { holder, now, until, limit }| {
            let parameters = [(*now).into(), (*limit).into(), (&**holder).into(), (*until).into()];
            let mut looked_at = transaction.query(&SQL, &parameters, read_request).await?;
            looked_at.retain(|request| request.status == Status::Pending);
            Ok(looked_at)
        })
        .await
    }
}

/// How an attempt to hand a request over ended.
#[derive(Clone, Debug)]
pub enum HandOverEnd {
    /// The challenge service has made the challenge.
    Scheduled {
        /// The challenge.
        challenge: Challenge,
        /// When to look whether it has changed.
        next_observation_at: Timestamp,
    },
    /// Not this time.
    Postponed {
        /// When to try again.
        next_attempt_at: Timestamp,
        /// Why.
        error: String,
    },
    /// Never.
    Failed {
        /// Why.
        error: String,
    },
}

/// Writes down how an attempt ended, if the request is still pending and leased by this holder.
#[derive(Clone, Debug)]
pub struct FinishHandOver {
    /// The request.
    pub key: RequestKey,
    /// Who attempted it.
    pub holder: Arc<str>,
    /// When it ended.
    pub now: Timestamp,
    /// How it ended.
    pub end: HandOverEnd,
}

impl Write for FinishHandOver {
    /// Whether it was written down; otherwise somebody else has taken over, or the request has left
    /// the queue.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        let mut outcomes = Vec::with_capacity(writes.len());
        let mut events = Vec::new();
        for slice in split_on_conflict(writes, |write| [write.key.id]) {
            let mut sorted: Vec<&Self> = slice.iter().collect();
            // In the same order everywhere, or two transactions could wait for each other.
            sorted.sort_unstable_by_key(|write| write.key.id);
            let ids = sorted.iter().map(|write| write.key.id);
            let rows: Vec<_> = sorted.iter().map(|write| write.row()).collect();
            let finished = transaction.change_each(&FINISH, &rows, ids, read_id).await?;
            outcomes.extend(slice.iter().map(|write| finished.contains(&write.key.id)));
            events.extend(
                slice
                    .iter()
                    .filter(|write| finished.contains(&write.key.id))
                    .filter_map(Self::event),
            );
        }
        events::record(transaction, &events).await?;
        Ok(outcomes)
    }
}

impl FinishHandOver {
    fn row(&self) -> [Value<'_>; 14] {
        let Self { key: RequestKey { workspace_id, client_id, id }, holder, now, end } = self;
        let Standing { status, next_attempt_at, error, challenge, next_observation_at } =
            Standing::from(end);
        [
            workspace_id.as_str().into(),
            client_id.as_str().into(),
            id.as_bytes().into(),
            (&**holder).into(),
            (*now).into(),
            status.as_str().into(),
            next_attempt_at.into(),
            error.into(),
            challenge.map(|challenge| challenge.id.as_bytes()).into(),
            challenge.map(|challenge| challenge.created_at).into(),
            challenge.map(|challenge| challenge.expires_at).into(),
            challenge.and_then(|challenge| challenge.completed_at).into(),
            challenge.map(|challenge| challenge.is_closed).into(),
            next_observation_at.into(),
        ]
    }
}

impl FinishHandOver {
    /// What an app's engineers are told of it.
    fn event(&self) -> Option<NewEvent<'_>> {
        let Self { key: RequestKey { workspace_id, client_id, id }, now, end, .. } = self;
        let happening = match end {
            HandOverEnd::Scheduled { challenge, .. } => {
                EventBody::scheduled(*id, challenge.id, *now)
            }
            HandOverEnd::Failed { error } => EventBody::failed(*id, error, *now),
            HandOverEnd::Postponed { .. } => return None,
        };
        Some(NewEvent { workspace_id, client_id, happening })
    }
}

fn read_id(row: &Row<'_>) -> Result<RequestId, StoreError> {
    row.bytes("id").map(RequestId::from_bytes)
}

fn read_app(row: &Row<'_>) -> Result<(WorkspaceId, ClientId), StoreError> {
    Ok((row.parsed("workspace_id")?, row.parsed("client_id")?))
}

static FINISH: Sql = Sql::each(
    "UPDATE challenge_requests SET
        status = each.status, attempts = attempts + 1, next_attempt_at = each.next_attempt_at, last_error = each.error,
        leased_by = NULL, lease_expires_at = NULL, challenge_id = each.challenge_id,
        challenge_created_at = each.challenge_created_at, challenge_expires_at = each.challenge_expires_at,
        challenge_completed_at = each.challenge_completed_at, challenge_is_closed = each.challenge_is_closed,
        next_observation_at = each.next_observation_at, updated_at = each.now
    {from each}
    WHERE challenge_requests.workspace_id = each.workspace_id AND challenge_requests.client_id = each.client_id
        AND challenge_requests.id = each.id AND challenge_requests.status = 'pending' AND leased_by = each.holder
    {returning challenge_requests.id}",
    &[
        ("workspace_id", Kind::Text),
        ("client_id", Kind::Text),
        ("id", Kind::Bytes),
        ("holder", Kind::Text),
        ("now", Kind::Integer),
        ("status", Kind::Text),
        ("next_attempt_at", Kind::Integer),
        ("error", Kind::Text),
        ("challenge_id", Kind::Bytes),
        ("challenge_created_at", Kind::Integer),
        ("challenge_expires_at", Kind::Integer),
        ("challenge_completed_at", Kind::Integer),
        ("challenge_is_closed", Kind::Boolean),
        ("next_observation_at", Kind::Integer),
    ],
);

/// What an end means for the row.
struct Standing<'a> {
    status: Status,
    next_attempt_at: Option<Timestamp>,
    error: Option<&'a str>,
    challenge: Option<&'a Challenge>,
    next_observation_at: Option<Timestamp>,
}

impl<'a> From<&'a HandOverEnd> for Standing<'a> {
    fn from(end: &'a HandOverEnd) -> Self {
        let ended = |status, error| Self {
            status,
            next_attempt_at: None,
            error,
            challenge: None,
            next_observation_at: None,
        };
        match end {
            HandOverEnd::Scheduled { challenge, next_observation_at } => Self {
                challenge: Some(challenge),
                next_observation_at: Some(*next_observation_at),
                ..ended(Status::Scheduled, None)
            },
            HandOverEnd::Postponed { next_attempt_at, error } => Self {
                next_attempt_at: Some(*next_attempt_at),
                ..ended(Status::Pending, Some(error))
            },
            HandOverEnd::Failed { error } => ended(Status::Failed, Some(error)),
        }
    }
}

/// Gives back whatever this holder has leased, so that others need not wait for the leases to end.
/// What was given back has no holder, and a lease that ended long ago: an attempt may have made a
/// challenge, and whoever cancels the request must know.
#[derive(Clone, Debug)]
pub struct ReleaseLeases {
    /// Who gives them back.
    pub holder: Arc<str>,
}

impl Write for ReleaseLeases {
    /// How many there were.
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

/// Gives one lease back, if this holder has it: that of a request that was stored, but not
/// submitted to the scheduler.
#[derive(Clone, Debug)]
pub struct ReleaseLease {
    /// The request.
    pub key: RequestKey,
    /// Who gives it back.
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
                let RequestKey { workspace_id, client_id, id } = key;
                let parameters = [
                    workspace_id.into(),
                    client_id.as_str().into(),
                    id.as_bytes().into(),
                    (&**holder).into(),
                ];
                transaction.execute(&SQL, &parameters).await.map(drop)
            },
        )
        .await
    }
}

impl WorkspaceStore {
    /// Gives leases back, each by itself.
    pub async fn release_lease_of_each(
        &self,
        writes: Vec<ReleaseLease>,
    ) -> Vec<Result<(), StoreError>> {
        self.database.write_all(writes).await
    }

    /// Leases what is due.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn lease_due(&self, write: LeaseDue) -> Result<Vec<ChallengeRequest>, StoreError> {
        self.database.write(write).await
    }

    /// Those of these apps that were deleted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn deleted_among(
        &self,
        apps: &BTreeSet<(WorkspaceId, ClientId)>,
    ) -> Result<Vec<(WorkspaceId, ClientId)>, StoreError> {
        static SQL: Sql = Sql::each(
            "SELECT apps.workspace_id AS workspace_id, apps.client_id AS client_id FROM apps
            {join each on} apps.workspace_id = each.workspace AND apps.client_id = each.client AND deleted_at IS NOT NULL",
            &[("workspace", Kind::Text), ("client", Kind::Text)],
        );
        let rows = apps.iter().map(|(workspace_id, client_id)| {
            [
                Value::from(workspace_id.as_str()).into_owned(),
                Value::from(client_id.as_str()).into_owned(),
            ]
        });
        self.database.query_each(&SQL, rows.collect(), read_app).await
    }

    /// Writes down how attempts ended, each by itself; `false` where that is no longer this
    /// holder's to say.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn finish_hand_overs(
        &self,
        writes: Vec<FinishHandOver>,
    ) -> Vec<Result<bool, StoreError>> {
        self.database.write_all(writes).await
    }

    /// Gives leases back; how many it were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn release_leases(&self, write: ReleaseLeases) -> Result<u64, StoreError> {
        self.database.write(write).await
    }
}
