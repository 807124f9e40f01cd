//! Where a production test stands, in one word, for people.

use domain::Timestamp;

use super::{ListItem, ProductionTest, RequestStatus};
use crate::challenge::Challenge;

/// Where a production test stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestState {
    /// Not yet scheduled.
    Pending,
    /// Testers can join.
    Open,
    /// Every stamp is granted.
    Complete,
    /// The time is over, and not every stamp is granted.
    Expired,
    /// It was cancelled while it was open.
    Closed,
    /// It was cancelled before it was scheduled.
    Cancelled,
    /// It could not be scheduled.
    Failed,
}

impl TestState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Open,
        Self::Complete,
        Self::Expired,
        Self::Closed,
        Self::Cancelled,
        Self::Failed,
    ];

    /// The state of a production test at `now`.
    #[must_use]
    pub fn of(test: &ProductionTest, now: Timestamp) -> Self {
        match (&test.challenge, test.request.status) {
            (Some(challenge), _) => Self::of_challenge(challenge, now),
            (None, status) => Self::of_request(status),
        }
    }

    /// The state of an item of the list at `now`.
    #[must_use]
    pub fn of_item(item: &ListItem, now: Timestamp) -> Self {
        match (&item.challenge, &item.request) {
            (Some(challenge), _) => Self::of_challenge(challenge, now),
            (None, Some(request)) => Self::of_request(request.status),
            (None, None) => Self::Pending,
        }
    }

    /// The state of a scheduled production test at `now`.
    #[must_use]
    pub fn of_challenge(challenge: &Challenge, now: Timestamp) -> Self {
        if challenge.completed_at.is_some() {
            Self::Complete
        } else if challenge.is_active {
            Self::Open
        } else if challenge.expires_at.0 <= now {
            Self::Expired
        } else {
            Self::Closed
        }
    }

    /// The state of a production test without a challenge.
    #[must_use]
    pub fn of_request(status: RequestStatus) -> Self {
        match status {
            RequestStatus::Pending | RequestStatus::Scheduled => Self::Pending,
            RequestStatus::Failed => Self::Failed,
            RequestStatus::Cancelled => Self::Cancelled,
        }
    }

    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}
