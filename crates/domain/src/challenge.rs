//! A challenge: a production test that testers can join (§10).

use std::time::Duration;

use crate::participation::Status;
use crate::{ChallengeId, Timestamp};

/// A challenge expires at the last second of the seventh day after its creation (§10).
const LIFETIME_DAYS: u32 = 7;

/// The shortest time between two observations of a challenge.
const MIN_INTERVAL: Duration = Duration::from_secs(2);

/// The longest time between two observations of a challenge that has to be polled.
const MAX_POLL_INTERVAL: Duration = Duration::from_mins(1);

/// The time between two observations of a challenge whose changes are notified.
const NOTIFIED_INTERVAL: Duration = Duration::from_mins(10);

/// A challenge as the relying party sees it (§6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The id.
    pub id: ChallengeId,
    /// The title of the production test.
    pub title: String,
    /// Instructions for testers.
    pub description: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When its last stamp was granted; `None` while stamps are left.
    pub completed_at: Option<Timestamp>,
    /// Whether it was closed before it expired.
    pub is_closed: bool,
    /// How many stamps it grants; `None` if that was not said, as by a challenge service elsewhere.
    pub stamp_limit: Option<u32>,
}

/// Whose challenge it is, as testers see it (§10): as it stood when the request was handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// The app's name.
    pub name: String,
    /// Where testers may go on after a participation.
    pub return_uris: ReturnUris,
}

/// Where testers may go on after a participation (§11).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReturnUris {
    /// After a stamp.
    pub success: Option<String>,
    /// After a participation that ended without a stamp.
    pub failure: Option<String>,
}

impl ReturnUris {
    /// Where a tester may go on whose participation has this status; `None` while it has not ended.
    #[must_use]
    pub fn after(&self, status: Status) -> Option<&str> {
        match status {
            Status::Started => None,
            Status::Claimed => self.success.as_deref(),
            Status::Failed | Status::Missed | Status::Duplicate | Status::Lapsed => {
                self.failure.as_deref()
            }
        }
    }
}

/// How a challenge ended (§10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The last stamp was granted.
    Completed,
    /// It was closed before it expired.
    Closed,
    /// It expired with stamps left.
    Expired,
}

/// How the scheduler learns that a challenge has changed (§9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// The challenge service is in the same process and notifies every change. Observations only
    /// find expiries and the changes whose notification a crash has lost.
    Notified,
    /// The challenge service is elsewhere and has to be polled.
    Polled,
}

/// A challenge's place among the open ones, so that a host with many open challenges does not hide
/// those of others (§10): 0 for the first open challenge of a host, one more for each doubling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenRank(u32);

impl OpenRank {
    /// All ranks, in the order of the list.
    pub const ALL: [Self; 6] = [Self(0), Self(1), Self(2), Self(3), Self(4), Self(5)];

    /// From this number of open challenges on, the number does not matter.
    pub const LARGEST_COUNT: u32 = 16;

    /// The rank of a challenge whose host has this many open ones already.
    #[must_use]
    pub fn after(open: u32) -> Self {
        let doublings = u32::BITS - open.min(Self::LARGEST_COUNT).leading_zeros();
        Self(doublings)
    }

    /// The rank with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Some(Self(number)).filter(|rank| Self::ALL.contains(rank))
    }

    /// The number of the rank, from 0.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

impl Challenge {
    /// When a challenge expires: at 23:59:59 UTC of the seventh day after its creation.
    #[must_use]
    pub fn expiry(created_at: Timestamp) -> Timestamp {
        created_at.last_second_of_day_after(LIFETIME_DAYS)
    }

    /// When to observe a challenge again that is active at `now`.
    ///
    /// A challenge that has to be polled is observed after a thirtieth of its age, because young
    /// challenges change more often, but at least 2 s and at most 1 min later. The last observation
    /// is 2 s after the challenge expires, because clocks differ.
    #[must_use]
    pub fn next_observation(&self, now: Timestamp, watch: Watch) -> Timestamp {
        next_observation(self.created_at, self.expires_at, now, watch)
    }

    /// When to observe a challenge with these times again if the observation at `now` finds no
    /// change: as [`Challenge::next_observation`] says. If the challenge has expired by then but
    /// its ending is not recorded yet, `retry_after` later, or after an eighth of the time since
    /// then, but a day later at most: a service that does not answer is not asked without end.
    #[must_use]
    pub fn next_observation_if_unchanged(
        created_at: Timestamp,
        expires_at: Timestamp,
        now: Timestamp,
        watch: Watch,
        retry_after: Duration,
    ) -> Timestamp {
        let next = next_observation(created_at, expires_at, now, watch);
        if next > now {
            return next;
        }
        let patience = (now.since(expires_at) / 8).min(Duration::from_hours(24));
        now.plus(retry_after.max(patience))
    }

    /// How the challenge ended; `None` if it is active at `now`.
    #[must_use]
    pub fn ending_at(&self, now: Timestamp) -> Option<Ending> {
        if self.completed_at.is_some() {
            Some(Ending::Completed)
        } else if self.is_closed {
            Some(Ending::Closed)
        } else {
            (now >= self.expires_at).then_some(Ending::Expired)
        }
    }

    /// Whether testers can join and claim stamps: neither completed, closed nor expired.
    #[must_use]
    pub fn is_active_at(&self, now: Timestamp) -> bool {
        self.ending_at(now).is_none()
    }
}

fn next_observation(
    created_at: Timestamp,
    expires_at: Timestamp,
    now: Timestamp,
    watch: Watch,
) -> Timestamp {
    let interval = match watch {
        Watch::Notified => NOTIFIED_INTERVAL,
        Watch::Polled => (now.since(created_at) / 30).clamp(MIN_INTERVAL, MAX_POLL_INTERVAL),
    };
    let next = now.plus(interval);
    if next < expires_at { next } else { expires_at.plus(MIN_INTERVAL) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn challenge() -> Challenge {
        test_data::challenge(at("2026-04-08T10:00:00.000Z"))
    }

    #[test]
    fn each_doubling_of_open_challenges_is_a_rank_below() {
        let ranks = [0, 1, 2, 3, 4, 7, 8, 15, 16, 1_000_000].map(|open| OpenRank::after(open).0);
        assert_eq!(ranks, [0, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        assert_eq!(
            OpenRank::ALL.map(|rank| OpenRank::from_number(rank.0)),
            OpenRank::ALL.map(Some)
        );
        assert_eq!(OpenRank::from_number(6), None);
    }

    #[test]
    fn is_active_until_it_expires_is_complete_or_is_closed() {
        let (last_moment, end) = (at("2026-04-15T23:59:58.999Z"), at("2026-04-15T23:59:59.000Z"));
        assert!(challenge().is_active_at(last_moment));
        assert_eq!(challenge().ending_at(end), Some(Ending::Expired));
        let complete = Challenge { completed_at: Some(last_moment), ..challenge() };
        assert_eq!(complete.ending_at(last_moment), Some(Ending::Completed));
        assert_eq!(complete.ending_at(end), Some(Ending::Completed), "before it expired");
        let closed = Challenge { is_closed: true, ..challenge() };
        assert_eq!(closed.ending_at(last_moment), Some(Ending::Closed));
        assert_eq!(closed.ending_at(end), Some(Ending::Closed), "before it expired");
    }

    #[test]
    fn is_observed_less_often_with_age_and_once_more_after_it_expires() {
        for (now, next) in [
            ("2026-04-08T10:00:00.000Z", "2026-04-08T10:00:02.000Z"),
            ("2026-04-08T10:05:00.000Z", "2026-04-08T10:05:10.000Z"),
            ("2026-04-09T10:00:00.000Z", "2026-04-09T10:01:00.000Z"),
            ("2026-04-15T23:58:58.999Z", "2026-04-15T23:59:58.999Z"),
            ("2026-04-15T23:58:59.000Z", "2026-04-16T00:00:01.000Z"),
            ("2026-04-15T23:59:58.999Z", "2026-04-16T00:00:01.000Z"),
        ] {
            assert_eq!(challenge().next_observation(at(now), Watch::Polled), at(next), "{now}");
        }
        for (now, next) in [
            ("2026-04-08T10:00:00.000Z", "2026-04-08T10:10:00.000Z"),
            ("2026-04-15T23:50:00.000Z", "2026-04-16T00:00:01.000Z"),
        ] {
            assert_eq!(challenge().next_observation(at(now), Watch::Notified), at(next), "{now}");
        }
    }

    #[test]
    fn an_expired_challenge_is_observed_again_until_its_ending_is_recorded() {
        let next_if_unchanged = Challenge::next_observation_if_unchanged;
        let retry_after = Duration::from_secs(20);
        let Challenge { created_at, expires_at, .. } = challenge();
        let next =
            |now| next_if_unchanged(created_at, expires_at, at(now), Watch::Polled, retry_after);
        assert_eq!(next("2026-04-08T10:00:00.000Z"), at("2026-04-08T10:00:02.000Z"));
        assert_eq!(next("2026-04-16T00:00:00.000Z"), at("2026-04-16T00:00:01.000Z"));
        assert_eq!(next("2026-04-16T00:00:01.000Z"), at("2026-04-16T00:00:21.000Z"));
    }
}
