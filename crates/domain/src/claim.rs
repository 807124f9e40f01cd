//! Who gets a stamp (§10): first come, first served, one per person, never more than the limit.

use crate::Timestamp;
use crate::challenge::Challenge;
use crate::participation::{Participation, Status};
use crate::verification::Outcome;

/// The stamps of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamps {
    /// How many the challenge grants.
    pub limit: u32,
    /// How many have been granted.
    pub granted: u32,
    /// Whether one person may hold several stamps for one provider.
    pub allow_duplicates: bool,
}

/// The status that a participation gets when its verification ends.
///
/// `holds_stamp` says whether the verified person already holds a stamp for the same provider in
/// this challenge. The result is `None` if the participation has ended before: a repeated outcome
/// changes nothing.
#[must_use]
pub fn status_after<S>(
    participation: &Participation,
    challenge: &Challenge,
    stamps: Stamps,
    outcome: &Outcome<S>,
    holds_stamp: bool,
    now: Timestamp,
) -> Option<Status> {
    if participation.status_at(now) != Status::Started {
        return None;
    }
    Some(match outcome {
        Outcome::Failed { .. } => Status::Failed,
        Outcome::Completed { .. } if holds_stamp && !stamps.allow_duplicates => Status::Duplicate,
        Outcome::Completed { .. }
            if stamps.granted < stamps.limit && challenge.is_active_at(now) =>
        {
            Status::Claimed
        }
        Outcome::Completed { .. } => Status::Missed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::participation::TIME_TO_VERIFY;
    use crate::verification::FailureReason;
    use crate::{ParticipationId, Platform, test_data};
    use proptest::prelude::*;
    use proptest::sample::select;

    const START: Timestamp = Timestamp::EPOCH;

    fn challenge() -> Challenge {
        test_data::challenge(START)
    }

    fn started() -> Participation {
        Participation {
            id: ParticipationId::from_bytes([1; 16]),
            challenge_id: challenge().id,
            provider_id: "bankidse".parse().unwrap(),
            platform: Platform::Ios,
            recorded_status: Status::Started,
            failure_reason: None,
            verification_started_at: None,
            joined_at: START,
            lapses_at: START.plus(TIME_TO_VERIFY),
        }
    }

    const COMPLETED: Outcome<()> = Outcome::Completed { subject: () };
    const ONE_LEFT: Stamps = Stamps { limit: 3, granted: 2, allow_duplicates: false };
    const NONE_LEFT: Stamps = Stamps { limit: 3, granted: 3, allow_duplicates: false };

    /// The status after a completed verification of a person.
    fn completed(stamps: Stamps, holds_stamp: bool) -> Option<Status> {
        status_after(&started(), &challenge(), stamps, &COMPLETED, holds_stamp, START)
    }

    #[test]
    fn the_last_stamp_is_granted_and_the_next_tester_misses_it() {
        assert_eq!(completed(ONE_LEFT, false), Some(Status::Claimed));
        assert_eq!(completed(NONE_LEFT, false), Some(Status::Missed));
    }

    #[test]
    fn a_person_holds_one_stamp_unless_duplicates_are_allowed() {
        assert_eq!(completed(ONE_LEFT, true), Some(Status::Duplicate));
        let allowed = Stamps { allow_duplicates: true, ..ONE_LEFT };
        assert_eq!(completed(allowed, true), Some(Status::Claimed));
    }

    #[test]
    fn a_failed_verification_fails_the_participation() {
        let failed = Outcome::<()>::Failed { reason: FailureReason::Other };
        let status = status_after(&started(), &challenge(), ONE_LEFT, &failed, false, START);
        assert_eq!(status, Some(Status::Failed));
    }

    #[test]
    fn a_closed_challenge_grants_nothing() {
        let closed = Challenge { is_closed: true, ..challenge() };
        let status = status_after(&started(), &closed, ONE_LEFT, &COMPLETED, false, START);
        assert_eq!(status, Some(Status::Missed));
    }

    #[test]
    fn an_outcome_after_fifteen_minutes_is_too_late() {
        let late = START.plus(TIME_TO_VERIFY);
        let status = status_after(&started(), &challenge(), ONE_LEFT, &COMPLETED, false, late);
        assert_eq!(status, None);
    }

    proptest! {
        #[test]
        fn the_limit_is_never_exceeded(limit in 1_u32..20, testers in 0_usize..60) {
            let mut stamps = Stamps { limit, granted: 0, allow_duplicates: false };
            for _ in 0..testers {
                if completed(stamps, false) == Some(Status::Claimed) {
                    stamps.granted += 1;
                }
            }
            let expected = usize::try_from(limit).unwrap().min(testers);
            prop_assert_eq!(usize::try_from(stamps.granted).unwrap(), expected);
        }

        #[test]
        fn a_final_status_never_changes(status in select(Status::ALL[1..].to_vec())) {
            let ended = Participation { recorded_status: status, ..started() };
            let after = status_after(&ended, &challenge(), ONE_LEFT, &COMPLETED, false, START);
            prop_assert_eq!(after, None);
        }
    }
}
