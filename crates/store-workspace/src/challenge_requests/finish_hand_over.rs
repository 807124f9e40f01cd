//! Records how an attempt to hand a request over to the challenge service ended (§9).

use std::sync::Arc;

use db::{Sql, StoreError, Transaction, Write, split_on_conflict, write_columns};
use domain::challenge::Challenge;
use domain::challenge_request::Status;
use domain::event::EventBody;
use domain::{ChallengeId, Timestamp};

use crate::challenge_requests::read_id;
use crate::events::{self, NewEvent};
use crate::{RequestKey, WorkspaceStore};

/// How an attempt to hand a request over ended.
#[derive(Clone, Debug)]
pub enum HandOverEnd {
    /// The challenge service has created the challenge.
    Scheduled {
        /// The challenge.
        challenge: Challenge,
        /// When to observe the challenge next.
        next_observation_at: Timestamp,
    },
    /// The attempt failed, and will be repeated.
    Postponed {
        /// When to attempt it again.
        next_attempt_at: Timestamp,
        /// Why it failed.
        error: String,
    },
    /// The attempt failed, and will not be repeated.
    Failed {
        /// Why it failed.
        error: String,
        /// When to close the challenge that an attempt may have created all the same.
        recall_at: Timestamp,
    },
}

/// Records how an attempt ended, if the request is still pending and leased by this holder.
#[derive(Clone, Debug)]
pub struct FinishHandOver {
    /// The request.
    pub key: RequestKey,
    /// The name of the scheduler that attempted it.
    pub holder: Arc<str>,
    /// When the attempt ended.
    pub now: Timestamp,
    /// The request's status after the attempt, as the transitions of [`Status`] return it.
    pub status: Status,
    /// How the attempt ended.
    pub end: HandOverEnd,
}

write_columns! {
    /// The end of an attempt.
    EndRow(FinishHandOver) = |FinishHandOver {
        key: RequestKey { workspace_id, client_id, id }, holder, now, status, end
    }| {
        workspace_id: Text = workspace_id.as_str(),
        client_id: Text = client_id.as_str(),
        id: Bytes = id.as_bytes(),
        holder: Text = &**holder,
        now: Integer = *now,
        status: Text = status.as_str(),
        next_attempt_at: Integer = end.next_attempt_at(),
        error: Text = end.error(),
        challenge_id: Bytes = end.challenge().map(|it| ChallengeId::as_bytes(&it.id)),
        stamp_limit: Integer = end.challenge().and_then(|it| it.stamp_limit),
        challenge_created_at: Integer = end.challenge().map(|it| it.created_at),
        challenge_expires_at: Integer = end.challenge().map(|it| it.expires_at),
        challenge_completed_at: Integer = end.challenge().and_then(|it| it.completed_at),
        challenge_is_closed: Boolean = end.challenge().map(|it| it.is_closed),
        next_observation_at: Integer = end.next_observation_at(),
        recall_at: Integer = end.recall_at(),
    }
}

static FINISH: Sql = Sql::each(
    "UPDATE challenge_requests SET
        status = each.status, attempts = attempts + 1, next_attempt_at = each.next_attempt_at,
        last_error = each.error, leased_by = NULL, lease_expires_at = NULL,
        max_stamp_claims = COALESCE(each.stamp_limit, max_stamp_claims),
        challenge_id = each.challenge_id, challenge_created_at = each.challenge_created_at,
        challenge_expires_at = each.challenge_expires_at,
        challenge_completed_at = each.challenge_completed_at,
        challenge_is_closed = each.challenge_is_closed,
        next_observation_at = each.next_observation_at, recall_at = each.recall_at,
        updated_at = each.now
    {from each}
    WHERE challenge_requests.workspace_id = each.workspace_id
        AND challenge_requests.client_id = each.client_id AND challenge_requests.id = each.id
        AND challenge_requests.status = 'pending' AND leased_by = each.holder
    {returning challenge_requests.id}",
    &EndRow::COLUMNS,
);

impl HandOverEnd {
    fn challenge(&self) -> Option<&Challenge> {
        match self {
            Self::Scheduled { challenge, .. } => Some(challenge),
            Self::Postponed { .. } | Self::Failed { .. } => None,
        }
    }

    fn next_observation_at(&self) -> Option<Timestamp> {
        match self {
            Self::Scheduled { next_observation_at, .. } => Some(*next_observation_at),
            Self::Postponed { .. } | Self::Failed { .. } => None,
        }
    }

    fn recall_at(&self) -> Option<Timestamp> {
        match self {
            Self::Failed { recall_at, .. } => Some(*recall_at),
            Self::Scheduled { .. } | Self::Postponed { .. } => None,
        }
    }

    fn next_attempt_at(&self) -> Option<Timestamp> {
        match self {
            Self::Postponed { next_attempt_at, .. } => Some(*next_attempt_at),
            Self::Scheduled { .. } | Self::Failed { .. } => None,
        }
    }

    fn error(&self) -> Option<&str> {
        match self {
            Self::Postponed { error, .. } | Self::Failed { error, .. } => Some(error),
            Self::Scheduled { .. } => None,
        }
    }
}

impl Write for FinishHandOver {
    /// `false` if another scheduler has taken the request over, or it is no longer pending.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        let mut outcomes = Vec::with_capacity(writes.len());
        let mut events = Vec::new();
        for slice in split_on_conflict(writes, |write| [write.key.id]) {
            let mut sorted: Vec<&Self> = slice.iter().collect();
            // Transactions that lock rows in the same order cannot deadlock.
            sorted.sort_unstable_by_key(|write| write.key.id);
            let ids = sorted.iter().map(|write| write.key.id);
            let rows: Vec<_> = sorted.iter().map(|write| EndRow::of(write)).collect();
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
    /// The event that tells the app's engineers about the end.
    fn event(&self) -> Option<NewEvent<'_>> {
        let Self { key: RequestKey { workspace_id, client_id, id }, now, end, .. } = self;
        let body = match end {
            HandOverEnd::Scheduled { challenge, .. } => {
                EventBody::scheduled(*id, challenge.id, *now)
            }
            HandOverEnd::Failed { error, .. } => EventBody::failed(*id, error, *now),
            HandOverEnd::Postponed { .. } => return None,
        };
        Some(NewEvent { workspace_id, client_id, body })
    }
}

impl WorkspaceStore {
    /// Records how attempts ended (§9). Each write succeeds or fails alone. `false` if another
    /// scheduler has taken the request over, or it is no longer pending.
    pub async fn finish_hand_overs(
        &self,
        writes: Vec<FinishHandOver>,
    ) -> Vec<Result<bool, StoreError>> {
        self.database.write_all(writes).await
    }
}
