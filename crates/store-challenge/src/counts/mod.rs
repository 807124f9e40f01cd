//! What reports show, counted as it happens (§8): so that nothing ever counts participations.
//!
//! A write adds up what it changes and stores that once, at its end. The rows are sorted by their
//! keys, so transactions that store counts of the same challenges cannot deadlock.

mod read;
mod write;

use std::collections::BTreeMap;
use std::time::Duration;

use db::{StoreError, Transaction};
use domain::participation::{Participation, Status};
use domain::verification::FailureReason;
use domain::{ChallengeId, Platform, ProviderId, Timestamp};

/// The outcome under which every participation is counted once.
pub(crate) const JOINED: &str = "joined";

/// The outcome under which a participation is counted once its verification has begun.
const VERIFICATION_STARTED: &str = "verification_started";

/// The part of a challenge that a count belongs to.
type Part = (ChallengeId, ProviderId, &'static str);

/// The counts to add.
#[derive(Default)]
pub(crate) struct Counts {
    /// By part, outcome and reason: a number, and a sum of milliseconds.
    participations: BTreeMap<(Part, &'static str, &'static str), (u32, u64)>,
    /// By part and duration in tenths of a second.
    completions: BTreeMap<(Part, u64), u32>,
    /// By minute: who joined, and who got a stamp.
    minutes: BTreeMap<(ChallengeId, i64), (u32, u32)>,
}

impl Counts {
    /// A participation has started.
    pub(crate) fn add_joined(&mut self, participation: &Participation) {
        self.add(part(participation), JOINED, None, Duration::ZERO);
        let minute = (participation.challenge_id, minute(participation.joined_at));
        self.minutes.entry(minute).or_default().0 += 1;
    }

    /// A verification has begun.
    pub(crate) fn add_verification_started(&mut self, participation: &Participation) {
        self.add(part(participation), VERIFICATION_STARTED, None, Duration::ZERO);
    }

    /// A participation has ended: its verification had begun, whether that was noticed or not.
    pub(crate) fn add_ended(
        &mut self,
        participation: &Participation,
        status: Status,
        reason: Option<FailureReason>,
        now: Timestamp,
    ) {
        if participation.verification_started_at.is_none() {
            self.add_verification_started(participation);
        }
        if status != Status::Claimed {
            self.add(part(participation), status.as_str(), reason, Duration::ZERO);
            return;
        }
        let duration = now.since(participation.joined_at);
        self.add(part(participation), status.as_str(), reason, duration);
        let tenths = millis(duration) / 100;
        *self.completions.entry((part(participation), tenths)).or_default() += 1;
        self.minutes.entry((participation.challenge_id, minute(now))).or_default().1 += 1;
    }

    /// A participation has lapsed.
    pub(crate) fn add_lapsed(
        &mut self,
        challenge: ChallengeId,
        provider: ProviderId,
        platform: Platform,
    ) {
        let part = (challenge, provider, platform.as_str());
        self.add(part, Status::Lapsed.as_str(), None, Duration::ZERO);
    }

    fn add(
        &mut self,
        part: Part,
        outcome: &'static str,
        reason: Option<FailureReason>,
        duration: Duration,
    ) {
        let key = (part, outcome, reason.map_or("", FailureReason::as_str));
        let (number, milliseconds) = self.participations.entry(key).or_default();
        *number += 1;
        *milliseconds += millis(duration);
    }

    /// Stores the counts.
    pub(crate) async fn store(self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        write::store(self, transaction).await
    }
}

fn part(participation: &Participation) -> Part {
    let Participation { challenge_id, provider_id, platform, .. } = participation;
    (*challenge_id, provider_id.clone(), platform.as_str())
}

fn minute(at: Timestamp) -> i64 {
    at.as_seconds().div_euclid(60)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
