//! More room and more time for a production test that is still open (§7).

use std::time::Duration;

use crate::Timestamp;
use crate::challenge::{Challenge, Ending};
use crate::production_test::StampLimit;

/// How far ahead a challenge's end may be moved: 30 days (§7).
const LATEST_END: Duration = Duration::from_hours(30 * 24);

/// What is to change of a production test. A member that is `None` stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChallengeUpdate {
    /// How many stamps are granted.
    pub max_stamps: Option<StampLimit>,
    /// When testers can no longer take part.
    pub expires_at: Option<Timestamp>,
}

/// Why a production test cannot be changed like that (§7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateRefusal {
    /// It was cancelled.
    #[error("This production test was cancelled.")]
    Cancelled,
    /// It has expired.
    #[error("This production test is over.")]
    Expired,
    /// It is complete, and would stay so.
    #[error("This production test is complete. It opens again when maxStamps is raised.")]
    Complete,
    /// The limit would shrink.
    #[error("maxStamps can only grow: it is {0}.")]
    FewerStamps(u32),
    /// The end would be in the past, or too far ahead.
    #[error("expiresAt must be between now and 30 days from now.")]
    EndOutOfRange,
}

impl UpdateRefusal {
    /// The state of the production test that stands in the way, if it is its state.
    #[must_use]
    pub fn status(self) -> Option<&'static str> {
        match self {
            Self::Cancelled => Some("cancelled"),
            Self::Expired => Some("expired"),
            Self::Complete => Some("completed"),
            Self::FewerStamps(_) | Self::EndOutOfRange => None,
        }
    }
}

impl ChallengeUpdate {
    /// The challenge after this update at `now`, `limit` being the number of stamps that it grants
    /// so far. The new limit is in [`Challenge::stamp_limit`]. A complete challenge with more room
    /// is open again. An update that is repeated changes nothing.
    ///
    /// # Errors
    /// When the challenge has ended in another way, or the new values are out of range.
    pub fn apply(
        self,
        challenge: &Challenge,
        limit: u32,
        now: Timestamp,
    ) -> Result<Challenge, UpdateRefusal> {
        let ending = challenge.ending_at(now);
        match ending {
            Some(Ending::Closed) => return Err(UpdateRefusal::Cancelled),
            Some(Ending::Expired) => return Err(UpdateRefusal::Expired),
            Some(Ending::Completed) | None => {}
        }
        let new_limit = self.new_limit(limit)?;
        let expires_at = self.expires_at.unwrap_or(challenge.expires_at);
        let has_new_end = expires_at != challenge.expires_at;
        if has_new_end {
            check_end(expires_at, now)?;
        }
        let has_room = new_limit > limit;
        if ending.is_some() && (now >= challenge.expires_at || (has_new_end && !has_room)) {
            return Err(UpdateRefusal::Complete);
        }
        Ok(Challenge {
            expires_at,
            completed_at: challenge.completed_at.filter(|_| !has_room),
            stamp_limit: Some(new_limit),
            ..challenge.clone()
        })
    }

    /// Checks this update of a production test that has no challenge yet, `limit` being the number
    /// of stamps that were ordered.
    ///
    /// # Errors
    /// When the new values are out of range.
    pub fn check_pending(self, limit: u32, now: Timestamp) -> Result<(), UpdateRefusal> {
        self.new_limit(limit)?;
        self.expires_at.map_or(Ok(()), |end| check_end(end, now))
    }

    fn new_limit(self, limit: u32) -> Result<u32, UpdateRefusal> {
        let new_limit = self.max_stamps.map_or(limit, StampLimit::get);
        if new_limit < limit { Err(UpdateRefusal::FewerStamps(limit)) } else { Ok(new_limit) }
    }
}

fn check_end(end: Timestamp, now: Timestamp) -> Result<(), UpdateRefusal> {
    if end < now || end > now.plus(LATEST_END) {
        return Err(UpdateRefusal::EndOutOfRange);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;

    const START: Timestamp = Timestamp::EPOCH;
    const DAY: Duration = Duration::from_hours(24);

    fn stamps(number: i64) -> ChallengeUpdate {
        ChallengeUpdate { max_stamps: StampLimit::new(number).ok(), expires_at: None }
    }

    fn until(end: Timestamp) -> ChallengeUpdate {
        ChallengeUpdate { max_stamps: None, expires_at: Some(end) }
    }

    fn open() -> Challenge {
        test_data::challenge(START)
    }

    fn complete() -> Challenge {
        Challenge { completed_at: Some(START), ..open() }
    }

    #[test]
    fn the_limit_can_only_grow() {
        let updated = stamps(5).apply(&open(), 3, START).unwrap();
        assert_eq!(updated.stamp_limit, Some(5));
        assert_eq!(stamps(2).apply(&open(), 3, START), Err(UpdateRefusal::FewerStamps(3)));
        assert_eq!(stamps(2).check_pending(3, START), Err(UpdateRefusal::FewerStamps(3)));
        assert_eq!(stamps(3).check_pending(3, START), Ok(()));
    }

    #[test]
    fn the_end_moves_to_any_moment_within_30_days() {
        let latest = START.plus(30 * DAY);
        for end in [START, START.plus(DAY), latest] {
            assert_eq!(until(end).apply(&open(), 3, START).unwrap().expires_at, end);
            assert_eq!(until(end).check_pending(3, START), Ok(()));
        }
        let second = Duration::from_secs(1);
        for end in [START.minus(second), latest.plus(second)] {
            let refused = UpdateRefusal::EndOutOfRange;
            assert_eq!(until(end).apply(&open(), 3, START), Err(refused));
            assert_eq!(until(end).check_pending(3, START), Err(refused));
        }
    }

    #[test]
    fn more_room_opens_a_complete_challenge_again_until_it_expires() {
        let reopened = stamps(4).apply(&complete(), 3, START.plus(DAY)).unwrap();
        assert_eq!((reopened.completed_at, reopened.stamp_limit), (None, Some(4)));
        let both = ChallengeUpdate { expires_at: Some(START.plus(9 * DAY)), ..stamps(4) };
        let reopened = both.apply(&complete(), 3, START.plus(DAY)).unwrap();
        assert_eq!(reopened.expires_at, START.plus(9 * DAY));
        let late = stamps(4).apply(&complete(), 3, START.plus(8 * DAY));
        assert_eq!(late, Err(UpdateRefusal::Complete));
        let only_time = until(START.plus(9 * DAY)).apply(&complete(), 3, START.plus(DAY));
        assert_eq!(only_time, Err(UpdateRefusal::Complete));
    }

    #[test]
    fn a_repeated_update_changes_nothing() {
        let updated = stamps(5).apply(&open(), 3, START).unwrap();
        assert_eq!(stamps(5).apply(&updated, 5, START), Ok(updated));
        let again = stamps(3).apply(&complete(), 3, START).unwrap();
        assert_eq!(again.completed_at, Some(START));
    }

    #[test]
    fn what_was_cancelled_or_has_expired_stays_so() {
        let cancelled = Challenge { is_closed: true, ..open() };
        assert_eq!(stamps(5).apply(&cancelled, 3, START), Err(UpdateRefusal::Cancelled));
        let late = open().expires_at;
        assert_eq!(stamps(5).apply(&open(), 3, late), Err(UpdateRefusal::Expired));
    }
}
