//! Who gets a stamp (§10): first come, first served, one per person, never one too many.

use crate::Timestamp;
use crate::challenge::Challenge;
use crate::participation::{Participation, Status};

/// How a verification ended, as the verifier tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The person was verified.
    Completed {
        /// Whether this person has a stamp for this provider in this challenge already.
        holds_a_stamp: bool,
    },
    /// The person was not verified.
    Failed,
}

/// What a challenge knows about its stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamps {
    /// How many there are.
    pub limit: u32,
    /// How many have been granted.
    pub granted: u32,
    /// Whether one person may hold several for one provider.
    pub allow_duplicates: bool,
}

/// Decides what becomes of a participation whose verification has ended.
///
/// `None` when it has been decided before: an outcome that is told twice changes nothing.
#[must_use]
pub fn decide(
    participation: &Participation,
    challenge: &Challenge,
    stamps: Stamps,
    outcome: Outcome,
    now: Timestamp,
) -> Option<Status> {
    if participation.status_at(now) != Status::Started {
        return None;
    }
    let holds_a_stamp = match outcome {
        Outcome::Failed => return Some(Status::Failed),
        Outcome::Completed { holds_a_stamp } => holds_a_stamp,
    };
    Some(if holds_a_stamp && !stamps.allow_duplicates {
        Status::Duplicate
    } else if stamps.granted < stamps.limit && challenge.is_active_at(now) {
        Status::Claimed
    } else {
        Status::Missed
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::participation::TIME_TO_VERIFY;
    use crate::{ChallengeId, ParticipationId, Platform};
    use proptest::prelude::*;

    fn challenge() -> Challenge {
        let created_at = Timestamp::from_millis(0);
        Challenge {
            id: ChallengeId::from_bytes([0; 16]),
            title: "BankID".into(),
            description: None,
            created_at,
            expires_at: Challenge::expiry(created_at),
            completed_at: None,
            is_closed: false,
        }
    }

    fn started() -> Participation {
        let joined_at = Timestamp::from_millis(0);
        Participation {
            id: ParticipationId::from_bytes([1; 16]),
            challenge_id: challenge().id,
            provider_id: "bankidse".parse().unwrap(),
            platform: Platform::Ios,
            recorded_status: Status::Started,
            joined_at,
            lapses_at: joined_at.plus(TIME_TO_VERIFY),
        }
    }

    fn decide_now(stamps: Stamps, outcome: Outcome) -> Option<Status> {
        decide(&started(), &challenge(), stamps, outcome, Timestamp::from_millis(1))
    }

    const ONE_LEFT: Stamps = Stamps { limit: 3, granted: 2, allow_duplicates: false };
    const NONE_LEFT: Stamps = Stamps { limit: 3, granted: 3, allow_duplicates: false };
    const NEW: Outcome = Outcome::Completed { holds_a_stamp: false };
    const AGAIN: Outcome = Outcome::Completed { holds_a_stamp: true };

    #[test]
    fn the_last_stamp_is_granted_and_the_next_tester_misses_it() {
        assert_eq!(decide_now(ONE_LEFT, NEW), Some(Status::Claimed));
        assert_eq!(decide_now(NONE_LEFT, NEW), Some(Status::Missed));
    }

    #[test]
    fn a_person_holds_one_stamp_unless_more_are_allowed() {
        assert_eq!(decide_now(ONE_LEFT, AGAIN), Some(Status::Duplicate));
        assert_eq!(
            decide_now(Stamps { allow_duplicates: true, ..ONE_LEFT }, AGAIN),
            Some(Status::Claimed)
        );
    }

    #[test]
    fn a_failed_verification_fails_the_participation() {
        assert_eq!(decide_now(ONE_LEFT, Outcome::Failed), Some(Status::Failed));
    }

    #[test]
    fn a_challenge_that_is_over_grants_nothing() {
        let closed = Challenge { is_closed: true, ..challenge() };
        let decided = decide(&started(), &closed, ONE_LEFT, NEW, Timestamp::from_millis(1));
        assert_eq!(decided, Some(Status::Missed));
    }

    #[test]
    fn an_outcome_after_fifteen_minutes_comes_too_late() {
        let late = Timestamp::from_millis(0).plus(TIME_TO_VERIFY);
        assert_eq!(decide(&started(), &challenge(), ONE_LEFT, NEW, late), None);
    }

    proptest! {
        #[test]
        fn never_one_more_than_the_limit(limit in 1_u32..20, testers in 0_usize..60) {
            let mut stamps = Stamps { limit, granted: 0, allow_duplicates: false };
            for _ in 0..testers {
                if decide_now(stamps, NEW) == Some(Status::Claimed) {
                    stamps.granted += 1;
                }
            }
            let expected = usize::try_from(limit).unwrap().min(testers);
            prop_assert_eq!(usize::try_from(stamps.granted).unwrap(), expected);
        }

        #[test]
        fn what_is_decided_is_decided_once(status in proptest::sample::select(Status::ALL[1..].to_vec())) {
            let decided = Participation { recorded_status: status, ..started() };
            prop_assert_eq!(decide(&decided, &challenge(), ONE_LEFT, NEW, Timestamp::from_millis(1)), None);
        }
    }
}
