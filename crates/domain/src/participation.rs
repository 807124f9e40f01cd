//! A tester's participation in a challenge (§10).

use std::time::Duration;

use crate::{ChallengeId, ParticipationId, Platform, ProviderId, Timestamp};

/// How long a tester has, from joining to the outcome: 15 minutes (§10).
pub const TIME_TO_VERIFY: Duration = Duration::from_mins(15);

/// Where a participation stands (§10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Joined; the outcome is not known yet.
    Started,
    /// Verified, and a stamp was granted.
    Claimed,
    /// The verification failed.
    Failed,
    /// Verified, but the last stamp was gone or the challenge was over.
    Missed,
    /// Verified as a person who has a stamp of this provider already.
    Duplicate,
    /// No outcome in time.
    Lapsed,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Started, Self::Claimed, Self::Failed, Self::Missed, Self::Duplicate, Self::Lapsed];

    /// The name used in the API and in the tables.
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

/// A participation. Who takes part is not in it: of a person, only keyed hashes are kept, and those
/// stay in the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participation {
    /// Its id.
    pub id: ParticipationId,
    /// The challenge that was joined.
    pub challenge_id: ChallengeId,
    /// The provider under test.
    pub provider_id: ProviderId,
    /// What the tester's device runs.
    pub platform: Platform,
    /// Where it stands as far as anybody has written it down; ask [`Participation::status_at`].
    pub recorded_status: Status,
    /// When the tester joined.
    pub joined_at: Timestamp,
    /// When it lapses without an outcome.
    pub lapses_at: Timestamp,
}

impl Participation {
    /// Where it stands at `now`: what has not ended in time has lapsed, written down or not.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> Status {
        if self.recorded_status == Status::Started && now >= self.lapses_at {
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
        let joined_at = Timestamp::from_millis(0);
        Participation {
            id: ParticipationId::from_bytes([0; 16]),
            challenge_id: ChallengeId::from_bytes([0; 16]),
            provider_id: "bankidse".parse().unwrap(),
            platform: Platform::Ios,
            recorded_status,
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

    proptest! {
        #[test]
        fn an_outcome_is_final(millis in 0_i64.., status in proptest::sample::select(Status::ALL[1..].to_vec())) {
            prop_assert_eq!(participation(status).status_at(Timestamp::from_millis(millis)), status);
        }
    }
}
