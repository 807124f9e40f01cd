//! A tester's participation in a challenge (§10).

use std::time::Duration;

use crate::verification::FailureReason;
use crate::{ChallengeId, ParticipationId, Platform, ProviderId, Timestamp};

/// The time from joining to the outcome after which a participation lapses: 15 minutes (§10).
pub const TIME_TO_VERIFY: Duration = Duration::from_mins(15);

/// How far ahead a participation lapses at most: [`TIME_TO_VERIFY`], and as much again for clocks
/// that differ.
pub const LONGEST_WAIT: Duration = Duration::from_mins(30);

/// The status of a participation (§10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Joined, without an outcome yet.
    Started,
    /// Verified, and a stamp was granted.
    Claimed,
    /// The verification failed.
    Failed,
    /// Verified, but no stamp was left or the challenge had ended.
    Missed,
    /// Verified as a person who already holds a stamp for this provider.
    Duplicate,
    /// There was no outcome within [`TIME_TO_VERIFY`].
    Lapsed,
}

impl Status {
    /// All statuses.
    pub const ALL: [Self; 6] =
        [Self::Started, Self::Claimed, Self::Failed, Self::Missed, Self::Duplicate, Self::Lapsed];

    /// The name in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Claimed => "claimed",
            Self::Failed => "failed",
            Self::Missed => "missed",
            Self::Duplicate => "duplicate",
            Self::Lapsed => "lapsed",
        }
    }

    /// The inverse of [`Status::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A participation (§10). It does not identify the tester: the database stores an HMAC of the
/// person and of the browser, and nothing else reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participation {
    /// The id.
    pub id: ParticipationId,
    /// The challenge that was joined.
    pub challenge_id: ChallengeId,
    /// The provider under test.
    pub provider_id: ProviderId,
    /// The platform of the tester's device.
    pub platform: Platform,
    /// The status in the database. [`Participation::status_at`] also takes the time into account.
    pub recorded_status: Status,
    /// Why the verification failed; set exactly when `recorded_status` is [`Status::Failed`].
    pub failure_reason: Option<FailureReason>,
    /// When the tester went to be verified.
    pub verification_started_at: Option<Timestamp>,
    /// When the tester joined.
    pub joined_at: Timestamp,
    /// When it lapses unless there is an outcome.
    pub lapses_at: Timestamp,
}

impl Participation {
    /// The status at `now`: a participation lapses in time whether or not that is recorded yet.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> Status {
        // A clock that was fast may have set a time that lies far ahead.
        let is_overdue = now >= self.lapses_at || now.plus(LONGEST_WAIT) < self.lapses_at;
        if self.recorded_status == Status::Started && is_overdue {
            Status::Lapsed
        } else {
            self.recorded_status
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn participation(recorded_status: Status) -> Participation {
        let joined_at = Timestamp::EPOCH;
        Participation {
            id: ParticipationId::from_bytes([0; 16]),
            challenge_id: ChallengeId::from_bytes([0; 16]),
            provider_id: "bankidse".parse().unwrap(),
            platform: Platform::Ios,
            recorded_status,
            failure_reason: None,
            verification_started_at: None,
            joined_at,
            lapses_at: joined_at.plus(TIME_TO_VERIFY),
        }
    }

    #[test]
    fn lapses_after_fifteen_minutes_to_the_millisecond() {
        let started = participation(Status::Started);
        assert_eq!(started.status_at(Timestamp::from_millis(899_999)), Status::Started);
        assert_eq!(started.status_at(Timestamp::from_millis(900_000)), Status::Lapsed);
    }

    #[test]
    fn one_that_a_fast_clock_started_does_not_wait_for_that_time() {
        let ahead = Timestamp::EPOCH.minus(Duration::from_hours(24 * 30));
        assert_eq!(participation(Status::Started).status_at(ahead), Status::Lapsed);
    }

    proptest! {
        #[test]
        fn a_final_status_never_changes(
            millis in 0_i64..,
            status in proptest::sample::select(Status::ALL[1..].to_vec()),
        ) {
            let now = Timestamp::from_millis(millis);
            prop_assert_eq!(participation(status).status_at(now), status);
        }
    }
}
