//! A challenge request: an order that is to become a challenge, and its states (§9).

use crate::app::App;
use crate::challenge::Challenge;
use crate::production_test::Payload;
use crate::retry::DEFAULT_TIMEOUT;
use crate::{ClientId, RequestId, Timestamp, WorkspaceId};

/// The status of a challenge request (§9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Not yet scheduled; attempts are still made.
    Pending,
    /// It has become a challenge.
    Scheduled,
    /// It could not be scheduled, and no further attempt is made.
    Failed,
    /// It was cancelled before it was scheduled.
    Cancelled,
}

/// The status does not allow this transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {from} challenge request cannot become {to}")]
pub struct NoSuchTransition {
    from: Status,
    to: Status,
}

impl Status {
    /// All statuses, in the order of a request's life.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Scheduled, Self::Failed, Self::Cancelled];

    /// The name in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Scheduled => "scheduled",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The inverse of [`Status::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// The challenge service created the challenge.
    ///
    /// # Errors
    /// Only a pending request can be scheduled.
    pub fn schedule(self) -> Result<Self, NoSuchTransition> {
        self.leave_pending(Self::Scheduled)
    }

    /// The challenge service rejected the request, or no attempt succeeded in time.
    ///
    /// # Errors
    /// Only a pending request can fail.
    pub fn fail(self) -> Result<Self, NoSuchTransition> {
        self.leave_pending(Self::Failed)
    }

    /// The request was cancelled.
    ///
    /// # Errors
    /// Only a pending request can be cancelled. Cancelling a scheduled one closes its challenge.
    pub fn cancel(self) -> Result<Self, NoSuchTransition> {
        self.leave_pending(Self::Cancelled)
    }

    /// The request is attempted again.
    ///
    /// # Errors
    /// Only a failed request can be retried.
    pub fn retry(self) -> Result<Self, NoSuchTransition> {
        let to = Self::Pending;
        if self == Self::Failed { Ok(to) } else { Err(NoSuchTransition { from: self, to }) }
    }

    fn leave_pending(self, to: Self) -> Result<Self, NoSuchTransition> {
        if self == Self::Pending { Ok(to) } else { Err(NoSuchTransition { from: self, to }) }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The attempts to hand a request over to the challenge service (§7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduling {
    /// How many attempts have ended, successfully or not.
    pub attempts: u32,
    /// When the next attempt is due; `None` if there is none.
    pub next_attempt_at: Option<Timestamp>,
    /// When the last attempt is made.
    pub give_up_at: Timestamp,
    /// Why the last attempt did not succeed, as shown to the relying party.
    pub last_error: Option<String>,
}

/// A challenge request (§5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeRequest {
    /// The id.
    pub id: RequestId,
    /// The workspace that it belongs to.
    pub workspace_id: WorkspaceId,
    /// The app under test.
    pub client_id: ClientId,
    /// The app's name when the request was created; testers see it as the host.
    pub host_name: String,
    /// What was ordered.
    pub payload: Payload,
    /// The status.
    pub status: Status,
    /// The challenge, exactly when the status is [`Status::Scheduled`].
    pub challenge: Option<Challenge>,
    /// The attempts to schedule it.
    pub scheduling: Scheduling,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl ChallengeRequest {
    /// A new request: pending, with the first attempt due at once.
    #[must_use]
    pub fn new(id: RequestId, app: &App, payload: Payload, now: Timestamp) -> Self {
        Self {
            id,
            workspace_id: app.workspace_id.clone(),
            client_id: app.client_id.clone(),
            host_name: app.name.clone(),
            payload,
            status: Status::Pending,
            challenge: None,
            scheduling: Scheduling {
                attempts: 0,
                next_attempt_at: Some(now),
                give_up_at: now.plus(DEFAULT_TIMEOUT),
                last_error: None,
            },
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether the request is pending again after it failed: [`Status::retry`] extends the deadline
    /// beyond that of a new request.
    #[must_use]
    pub fn is_retried(&self) -> bool {
        self.status == Status::Pending
            && self.scheduling.give_up_at > self.created_at.plus(DEFAULT_TIMEOUT)
    }

    /// This request as it was when it was created. A replayed create returns it (§4).
    #[must_use]
    pub fn as_ordered(self) -> Self {
        Self { status: Status::Pending, challenge: None, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;

    type Transition = fn(Status) -> Result<Status, NoSuchTransition>;

    #[test]
    fn a_pending_request_is_scheduled_or_fails() {
        assert_eq!(Status::Pending.schedule(), Ok(Status::Scheduled));
        assert_eq!(Status::Pending.fail(), Ok(Status::Failed));
        assert_eq!(Status::Pending.cancel(), Ok(Status::Cancelled));
    }

    #[test]
    fn only_a_failed_request_can_be_retried() {
        assert_eq!(Status::Failed.retry(), Ok(Status::Pending));
        for other in [Status::Pending, Status::Scheduled, Status::Cancelled] {
            assert!(other.retry().is_err(), "{other}");
        }
    }

    #[test]
    fn an_invalid_transition_is_named() {
        let refused = Status::Scheduled.fail().unwrap_err();
        assert_eq!(refused.to_string(), "a scheduled challenge request cannot become failed");
    }

    proptest! {
        #[test]
        fn a_final_status_never_changes(
            ended in select(vec![Status::Scheduled, Status::Failed, Status::Cancelled]),
            transition in select(vec![
                Status::schedule as Transition,
                Status::fail,
                Status::cancel,
            ]),
        ) {
            prop_assert!(transition(ended).is_err());
        }

        #[test]
        fn a_name_means_one_status(status in select(Status::ALL.to_vec())) {
            prop_assert_eq!(Status::from_name(status.as_str()), Some(status));
        }
    }
}
