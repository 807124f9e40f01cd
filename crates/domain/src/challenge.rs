//! A challenge: a production test that testers can join (§10).

use std::time::Duration;

use crate::{ChallengeId, Timestamp};

/// How many days after its creation a challenge ends, at the last second of that day (§10).
const DAYS: u32 = 7;

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

impl Challenge {
    /// When a challenge that is created now ends: 23:59:59 UTC of the seventh day after.
    #[must_use]
    pub fn expiry(created_at: Timestamp) -> Timestamp {
        created_at.last_second_of_day_after(DAYS)
    }

    /// When to look again whether a challenge that is active at `now` has changed. What is young changes soon: after a
    /// thirtieth of its age, but at least two seconds and at most a minute.
    #[must_use]
    pub fn next_observation(&self, now: Timestamp) -> Timestamp {
        let pause = now.since(self.created_at) / 30;
        now.plus(pause.clamp(Duration::from_secs(2), Duration::from_mins(1)))
    }

    /// Whether testers can still join and claim: not complete, not closed, not over.
    #[must_use]
    pub fn is_active_at(&self, now: Timestamp) -> bool {
        self.completed_at.is_none() && !self.is_closed && now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_active_until_it_expires_is_complete_or_is_closed() {
        let created_at: Timestamp = "2026-04-08T10:00:00.000Z".parse().unwrap();
        let challenge = Challenge {
            id: ChallengeId::from_bytes([0; 16]),
            title: "BankID".into(),
            description: None,
            created_at,
            expires_at: Challenge::expiry(created_at),
            completed_at: None,
            is_closed: false,
        };
        let last_moment: Timestamp = "2026-04-15T23:59:58.999Z".parse().unwrap();
        let end: Timestamp = "2026-04-15T23:59:59.000Z".parse().unwrap();
        assert!(challenge.is_active_at(last_moment));
        assert!(!challenge.is_active_at(end));
        assert!(!Challenge { completed_at: Some(created_at), ..challenge.clone() }.is_active_at(last_moment));
        assert!(!Challenge { is_closed: true, ..challenge }.is_active_at(last_moment));
    }
}
