//! Where a production test stands, in one word, and what a script is told of it.

use std::process::ExitCode;

use domain::Timestamp;
use wire::challenge::Challenge;
use wire::production_test::{ProductionTest, RequestStatus};

use crate::terminal::Tone;

/// Where a production test stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not yet scheduled.
    Pending,
    /// Testers can join.
    Open,
    /// Every stamp is granted.
    Complete,
    /// Its time is up, and stamps are left.
    Expired,
    /// It was called off while it ran.
    Closed,
    /// It was called off before it ran.
    Cancelled,
    /// It could not be scheduled.
    Failed,
}

impl Stage {
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

    pub(super) fn tone(self) -> Tone {
        match self {
            Self::Pending => Tone::Busy,
            Self::Open | Self::Complete => Tone::Good,
            Self::Expired | Self::Closed | Self::Cancelled => Tone::Quiet,
            Self::Failed => Tone::Bad,
        }
    }

    /// The tone of a stage's name.
    pub(super) fn tone_of(name: &str) -> Tone {
        let all = [
            Self::Pending,
            Self::Open,
            Self::Complete,
            Self::Expired,
            Self::Closed,
            Self::Cancelled,
            Self::Failed,
        ];
        all.into_iter().find(|stage| stage.name() == name).map_or(Tone::Quiet, Self::tone)
    }

    /// What whoever watched it leaves with; none while there is something to watch.
    pub(super) fn exit_code(self) -> Option<ExitCode> {
        match self {
            Self::Pending | Self::Open => None,
            Self::Complete => Some(ExitCode::SUCCESS),
            Self::Expired | Self::Closed | Self::Cancelled => Some(ExitCode::from(3)),
            Self::Failed => Some(ExitCode::from(4)),
        }
    }
}
