//! A challenge: a production test that testers can join (§10).

use std::time::Duration;

use crate::{ChallengeId, Timestamp};

/// How many days after its creation a challenge ends, at the last second of that day (§10).
const DAYS: u32 = 7;

/// How long to wait at least before looking at a challenge again.
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);

/// How long between two looks at what would be told anyway.
const RARELY: Duration = Duration::from_mins(10);

/// What a challenge is to whoever ordered it (§6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Its id.
    pub id: ChallengeId,
    /// What it is called.
    pub title: String,
    /// What testers should know, if anything was said.
    pub description: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When its last stamp was granted, if it was.
    pub completed_at: Option<Timestamp>,
    /// Whether it was closed before its time.
    pub is_closed: bool,
}

/// How a challenge has ended (§10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The last stamp was granted.
    Completed,
    /// It was closed before its time.
    Closed,
    /// Its time is over.
    Expired,
}

/// How whoever keeps a copy of a challenge learns that it has changed (§9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Whatever changes is told at once; looking is for what a crash has swallowed, and for the
    /// end.
    Told,
    /// Nobody tells, so it has to be looked at.
    Untold,
}

impl Challenge {
    /// When a challenge that is created now ends: 23:59:59 UTC of the seventh day after.
    #[must_use]
    pub fn expiry(created_at: Timestamp) -> Timestamp {
        created_at.last_second_of_day_after(DAYS)
    }

    /// When to look again whether a challenge that is active at `now` has changed. Where nobody
    /// tells: what is young changes soon, so after a thirtieth of its age, but at least two seconds
    /// and at most a minute. The last look is right after its end: not before two seconds are over,
    /// because clocks differ.
    #[must_use]
    pub fn next_observation(&self, now: Timestamp, watch: Watch) -> Timestamp {
        next_observation(self.created_at, self.expires_at, now, watch)
    }

    /// When to look again at a challenge with these bounds at which somebody looks at `now`, if
    /// nothing is new: as [`Challenge::next_observation`]; but `again_in` so long if it has ended
    /// by then, because nobody knows yet how.
    #[must_use]
    pub fn next_look(
        created_at: Timestamp,
        expires_at: Timestamp,
        now: Timestamp,
        watch: Watch,
        again_in: Duration,
    ) -> Timestamp {
        let next = next_observation(created_at, expires_at, now, watch);
        if next > now { next } else { now.plus(again_in) }
    }

    /// How it has ended by `now`, if it has.
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

    /// Whether testers can still join and claim: not complete, not closed, not over.
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
    let pause = match watch {
        Watch::Told => RARELY,
        Watch::Untold => (now.since(created_at) / 30).clamp(SHORTEST_PAUSE, Duration::from_mins(1)),
    };
    let usual = now.plus(pause);
    if usual < expires_at { usual } else { expires_at.plus(SHORTEST_PAUSE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn challenge() -> Challenge {
        let created_at = at("2026-04-08T10:00:00.000Z");
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

    #[test]
    fn is_active_until_it_expires_is_complete_or_is_closed() {
        let (last_moment, end) = (at("2026-04-15T23:59:58.999Z"), at("2026-04-15T23:59:59.000Z"));
        assert!(challenge().is_active_at(last_moment));
        assert_eq!(challenge().ending_at(end), Some(Ending::Expired));
        let complete = Challenge { completed_at: Some(last_moment), ..challenge() };
        assert_eq!(complete.ending_at(last_moment), Some(Ending::Completed));
        assert_eq!(complete.ending_at(end), Some(Ending::Completed), "before its time was over");
        let closed = Challenge { is_closed: true, ..challenge() };
        assert_eq!(closed.ending_at(last_moment), Some(Ending::Closed));
        assert_eq!(closed.ending_at(end), Some(Ending::Closed), "before its time was over");
    }

    #[test]
    fn is_looked_at_less_often_with_age_and_once_more_right_after_its_end() {
        for (now, next) in [
            ("2026-04-08T10:00:00.000Z", "2026-04-08T10:00:02.000Z"),
            ("2026-04-08T10:05:00.000Z", "2026-04-08T10:05:10.000Z"),
            ("2026-04-09T10:00:00.000Z", "2026-04-09T10:01:00.000Z"),
            ("2026-04-15T23:58:58.999Z", "2026-04-15T23:59:58.999Z"),
            ("2026-04-15T23:58:59.000Z", "2026-04-16T00:00:01.000Z"),
            ("2026-04-15T23:59:58.999Z", "2026-04-16T00:00:01.000Z"),
        ] {
            assert_eq!(challenge().next_observation(at(now), Watch::Untold), at(next), "{now}");
        }
        for (now, next) in [
            ("2026-04-08T10:00:00.000Z", "2026-04-08T10:10:00.000Z"),
            ("2026-04-15T23:50:00.000Z", "2026-04-16T00:00:01.000Z"),
        ] {
            assert_eq!(challenge().next_observation(at(now), Watch::Told), at(next), "{now}");
        }
    }

    #[test]
    fn what_has_ended_is_looked_at_again_after_a_while_until_somebody_knows_how() {
        let again_in = Duration::from_secs(20);
        let Challenge { created_at, expires_at, .. } = challenge();
        let next =
            |now| Challenge::next_look(created_at, expires_at, at(now), Watch::Untold, again_in);
        assert_eq!(next("2026-04-08T10:00:00.000Z"), at("2026-04-08T10:00:02.000Z"));
        assert_eq!(next("2026-04-16T00:00:00.000Z"), at("2026-04-16T00:00:01.000Z"));
        assert_eq!(next("2026-04-16T00:00:01.000Z"), at("2026-04-16T00:00:21.000Z"));
    }
}
