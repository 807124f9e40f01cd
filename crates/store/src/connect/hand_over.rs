//! The queue: pending requests are leased, handed over, and finished (§9).

use domain::Timestamp;
use domain::challenge::Challenge;
use domain::challenge_request::{ChallengeRequest, Status};
use rusqlite::{Transaction, named_params};

use super::challenge_requests::read_request;
use super::{ConnectStore, RequestKey};
use crate::StoreError;
use crate::sqlite::{Unit, prepare};

/// Leases pending requests whose next attempt is due and which nobody else has leased.
#[derive(Clone, Debug)]
pub struct LeaseDue {
    /// Who takes them: a name that no other running scheduler has.
    pub holder: String,
    /// The present.
    pub now: Timestamp,
    /// When the lease ends by itself, so that others take over if its holder dies.
    pub until: Timestamp,
    /// How many at most.
    pub limit: u32,
}

impl Unit for LeaseDue {
    type Outcome = Vec<ChallengeRequest>;

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Vec<ChallengeRequest>> {
        const SQL: &str = "
            UPDATE challenge_requests SET leased_by = $1, lease_expires_at = $2
            WHERE (workspace_id, client_id, id) IN (
                SELECT workspace_id, client_id, id FROM challenge_requests
                WHERE next_attempt_at <= $3 AND (lease_expires_at IS NULL OR lease_expires_at <= $3)
                ORDER BY next_attempt_at LIMIT $4)
            RETURNING *";
        let Self { holder, now, until, limit } = self;
        prepare(transaction, SQL)?
            .query_map((holder, until.as_millis(), now.as_millis(), limit), read_request)?
            .collect()
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
    pub holder: String,
    /// When it ended.
    pub now: Timestamp,
    /// How it ended.
    pub end: HandOverEnd,
}

impl Unit for FinishHandOver {
    /// Whether it was written down; otherwise somebody else has taken over, or the request has left the queue.
    type Outcome = bool;

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
        let Self { key: RequestKey { workspace_id, client_id, id }, holder, now, end } = self;
        let row = Row::from(end);
        let updated = prepare(transaction, FINISH)?.execute(named_params! {
            "$1": row.status.as_str(),
            "$2": row.next_attempt_at.map(Timestamp::as_millis),
            "$3": row.error,
            "$4": row.challenge.map(|challenge| challenge.id.as_bytes()),
            "$5": row.challenge.map(|challenge| challenge.created_at.as_millis()),
            "$6": row.challenge.map(|challenge| challenge.expires_at.as_millis()),
            "$7": row.challenge.and_then(|challenge| challenge.completed_at).map(Timestamp::as_millis),
            "$8": row.challenge.map(|challenge| challenge.is_closed),
            "$9": row.next_observation_at.map(Timestamp::as_millis),
            "$10": now.as_millis(),
            "$11": workspace_id.as_str(),
            "$12": client_id.as_str(),
            "$13": id.as_bytes(),
            "$14": holder,
        })?;
        Ok(updated == 1)
    }
}

const FINISH: &str = "
    UPDATE challenge_requests SET
        status = $1, attempts = attempts + 1, next_attempt_at = $2, last_error = $3, leased_by = NULL, lease_expires_at = NULL,
        challenge_id = $4, challenge_created_at = $5, challenge_expires_at = $6, challenge_completed_at = $7,
        challenge_is_closed = $8, next_observation_at = $9, updated_at = $10
    WHERE workspace_id = $11 AND client_id = $12 AND id = $13 AND status = 'pending' AND leased_by = $14";

/// What an end means for the row.
struct Row<'a> {
    status: Status,
    next_attempt_at: Option<Timestamp>,
    error: Option<&'a str>,
    challenge: Option<&'a Challenge>,
    next_observation_at: Option<Timestamp>,
}

impl<'a> From<&'a HandOverEnd> for Row<'a> {
    fn from(end: &'a HandOverEnd) -> Self {
        let ended =
            |status, error| Self { status, next_attempt_at: None, error, challenge: None, next_observation_at: None };
        match end {
            HandOverEnd::Scheduled { challenge, next_observation_at } => Self {
                challenge: Some(challenge),
                next_observation_at: Some(*next_observation_at),
                ..ended(Status::Scheduled, None)
            },
            HandOverEnd::Postponed { next_attempt_at, error } => {
                Self { next_attempt_at: Some(*next_attempt_at), ..ended(Status::Pending, Some(error)) }
            }
            HandOverEnd::Failed { error } => ended(Status::Failed, Some(error)),
        }
    }
}

/// Gives back whatever this holder has leased, so that others need not wait for the leases to end.
#[derive(Clone, Debug)]
pub struct ReleaseLeases {
    /// Who gives them back.
    pub holder: String,
}

impl Unit for ReleaseLeases {
    /// How many there were.
    type Outcome = usize;

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<usize> {
        prepare(
            transaction,
            "UPDATE challenge_requests SET leased_by = NULL, lease_expires_at = NULL WHERE leased_by = $1",
        )?
        .execute((&self.holder,))
    }
}

impl ConnectStore {
    /// Leases what is due.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn lease_due(&self, unit: LeaseDue) -> Result<Vec<ChallengeRequest>, StoreError> {
        self.database.write(unit).await
    }

    /// Writes down how an attempt ended; `false` when that is no longer this holder's to say.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn finish_hand_over(&self, unit: FinishHandOver) -> Result<bool, StoreError> {
        self.database.write(unit).await
    }

    /// Gives leases back; how many it were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn release_leases(&self, unit: ReleaseLeases) -> Result<usize, StoreError> {
        self.database.write(unit).await
    }
}
