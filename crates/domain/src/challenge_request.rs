//! A challenge request: the promise to schedule a challenge, and how it ends (§9).

use crate::app::App;
use crate::challenge::Challenge;
use crate::production_test::Payload;
use crate::retry::DEFAULT_TIMEOUT;
use crate::{ClientId, RequestId, Timestamp, WorkspaceId};

/// Where a challenge request stands (§9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Not yet handed to the challenge service.
    Pending,
    /// It has become a challenge.
    Scheduled,
    /// It could not be scheduled.
    Failed,
    /// It was called off before it was scheduled.
    Cancelled,
}

/// The transition does not exist from this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {from} challenge request cannot become {to}")]
pub struct NoSuchTransition {
    from: Status,
    to: Status,
}

impl Status {
    /// All of them, in the order of a request's life.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Scheduled, Self::Failed, Self::Cancelled];

    /// The name used in the API and in the tables.
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

    /// The challenge service has made the challenge.
    ///
    /// # Errors
    /// Only a pending request can be scheduled.
    pub fn schedule(self) -> Result<Self, NoSuchTransition> {
        self.leave_pending(Self::Scheduled)
    }

    /// The challenge service refused for good, or patience ended.
    ///
    /// # Errors
    /// Only a pending request can fail.
    pub fn fail(self) -> Result<Self, NoSuchTransition> {
        self.leave_pending(Self::Failed)
    }

    /// It was called off.
    ///
    /// # Errors
    /// Only a pending request can be called off; a scheduled one has its challenge closed instead.
    pub fn cancel(self) -> Result<Self, NoSuchTransition> {
        self.leave_pending(Self::Cancelled)
    }

    /// It is tried again.
    ///
    /// # Errors
    /// Only a failed request can be tried again.
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

/// How the hand-over to the challenge service is going (§7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduling {
    /// How many attempts have ended, whichever way.
    pub attempts: u32,
    /// When the next one is due; `None` once there will be none.
    pub next_attempt_at: Option<Timestamp>,
    /// After which moment there is no further one.
    pub give_up_at: Timestamp,
    /// Why the last one did not succeed, for the relying party's engineer.
    pub last_error: Option<String>,
}

/// A challenge request (§5), with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeRequest {
    /// Its id.
    pub id: RequestId,
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// The app that it is for.
    pub client_id: ClientId,
    /// The app's name at the time of the order; testers see it as the host.
    pub host_name: String,
    /// What was ordered.
    pub payload: Payload,
    /// Where it stands.
    pub status: Status,
    /// The challenge, exactly when it is scheduled.
    pub challenge: Option<Challenge>,
    /// How the hand-over is going.
    pub scheduling: Scheduling,
    /// When it was ordered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl ChallengeRequest {
    /// A new request: pending, its first attempt due at once.
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

    /// Whether it has failed before, and is being tried again.
    #[must_use]
    pub fn is_retried(&self) -> bool {
        self.status == Status::Pending
            && self.scheduling.give_up_at > self.created_at.plus(DEFAULT_TIMEOUT)
    }

    /// This request as it was when it was ordered: what a repeated order is answered (§4).
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

    #[test]
    fn a_pending_request_is_scheduled_or_fails() {
        assert_eq!(Status::Pending.schedule(), Ok(Status::Scheduled));
        assert_eq!(Status::Pending.fail(), Ok(Status::Failed));
        assert_eq!(Status::Pending.cancel(), Ok(Status::Cancelled));
    }

    #[test]
    fn only_what_has_failed_is_tried_again() {
        assert_eq!(Status::Failed.retry(), Ok(Status::Pending));
        for other in [Status::Pending, Status::Scheduled, Status::Cancelled] {
            assert!(other.retry().is_err(), "{other}");
        }
    }

    #[test]
    fn a_refused_transition_says_which() {
        let refused = Status::Scheduled.fail().unwrap_err();
        assert_eq!(refused.to_string(), "a scheduled challenge request cannot become failed");
    }

    proptest! {
        #[test]
        fn what_has_ended_stays_as_it_is(
            ended in select(vec![Status::Scheduled, Status::Failed, Status::Cancelled]),
            event in select(vec![Status::schedule as fn(Status) -> _, Status::fail, Status::cancel]),
        ) {
            prop_assert!(event(ended).is_err());
        }

        #[test]
        fn a_name_means_one_status(status in select(Status::ALL.to_vec())) {
            prop_assert_eq!(Status::from_name(status.as_str()), Some(status));
        }
    }
}
