//! The state of a production test in one word, and the exit code for scripts.

use std::process::ExitCode;

use domain::Timestamp;
use wire::challenge::Challenge;
use wire::production_test::{ProductionTest, RequestStatus};

use crate::terminal::Style;

/// The state of a production test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TestState {
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
    pub(super) fn of(test: &ProductionTest, now: Timestamp) -> Self {
        match (&test.challenge, test.request.status) {
            (Some(challenge), _) => Self::of_challenge(challenge, now),
            (None, status) => Self::of_request(status),
        }
    }

    pub(super) fn of_challenge(challenge: &Challenge, now: Timestamp) -> Self {
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

    pub(super) fn of_request(status: RequestStatus) -> Self {
        match status {
            RequestStatus::Pending | RequestStatus::Scheduled => Self::Pending,
            RequestStatus::Failed => Self::Failed,
            RequestStatus::Cancelled => Self::Cancelled,
        }
    }

    pub(super) fn name(self) -> &'static str {
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

    pub(super) fn style(self) -> Style {
        match self {
            Self::Pending => Style::Warning,
            Self::Open | Self::Complete => Style::Success,
            Self::Expired | Self::Closed | Self::Cancelled => Style::Dim,
            Self::Failed => Style::Error,
        }
    }

    /// The style of a state's name.
    pub(super) fn style_of(name: &str) -> Style {
        let all = [
            Self::Pending,
            Self::Open,
            Self::Complete,
            Self::Expired,
            Self::Closed,
            Self::Cancelled,
            Self::Failed,
        ];
        all.into_iter().find(|state| state.name() == name).map_or(Style::Dim, Self::style)
    }

    /// The exit code of `tests watch`; `None` if the test is not over.
    pub(super) fn exit_code(self) -> Option<ExitCode> {
        match self {
            Self::Pending | Self::Open => None,
            Self::Complete => Some(ExitCode::SUCCESS),
            Self::Expired | Self::Closed | Self::Cancelled => Some(ExitCode::from(3)),
            Self::Failed => Some(ExitCode::from(4)),
        }
    }
}
