//! Why a challenge went as it did (§8). No person can be recognised in it.

use std::collections::{BTreeMap, HashMap};

use crate::feedback::Feedback;
use crate::participation::Status;
use crate::verification::FailureReason;
use crate::{Platform, ProviderId, Timestamp};

/// The largest number of steps of a timeline.
const MAX_STEPS: i64 = 100;

/// What became of the participations of one provider on one platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    /// All participations.
    pub joined: u64,
    /// Those whose verification began.
    pub verification_started: u64,
    /// Those that ended, by how.
    pub ended: HashMap<Status, u64>,
    /// Those that failed, by why.
    pub failure_reasons: BTreeMap<FailureReason, u64>,
    /// Stamps, by the time from joining in tenths of a second.
    pub completions: BTreeMap<u64, u64>,
}

impl OutcomeCounts {
    /// How many ended like this; for [`Status::Started`], how many have not ended.
    #[must_use]
    pub fn with(&self, status: Status) -> u64 {
        match status {
            Status::Started => self.joined.saturating_sub(self.ended.values().sum()),
            status => self.ended.get(&status).copied().unwrap_or(0),
        }
    }

    /// How many were verified, with a stamp or without.
    #[must_use]
    pub fn verified(&self) -> u64 {
        [Status::Claimed, Status::Missed, Status::Duplicate].map(|it| self.with(it)).iter().sum()
    }

    /// The time within which this percentage of the stamps was granted, in tenths of a second; `None`
    /// without stamps.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let total: u64 = self.completions.values().sum();
        let wanted = (total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        self.completions.iter().find_map(|(tenths, number)| {
            seen += number;
            (seen >= wanted).then_some(*tenths)
        })
    }
}

/// What happened in one step of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When the step begins.
    pub at: Timestamp,
    /// Participations that started in it.
    pub joined: u64,
    /// Stamps that were granted in it.
    pub claimed: u64,
}

/// A challenge's outcomes (§8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcomes {
    /// The counts, by provider in the order of the payload, then by platform. Every provider has both
    /// platforms, with or without participations.
    pub rows: Vec<(ProviderId, Platform, OutcomeCounts)>,
    /// At most 100 equal steps from the challenge's beginning to its end, or to now.
    pub timeline: Vec<Step>,
    /// What testers said, the newest first, at most 100.
    pub feedback: Vec<Feedback>,
}

/// The timeline from `start` to `end`, of what happened in each minute since 1970: who joined, and how
/// many stamps were granted.
#[must_use]
pub fn timeline(start: Timestamp, end: Timestamp, minutes: &[(i64, u64, u64)]) -> Vec<Step> {
    let minute = |at: Timestamp| at.as_seconds().div_euclid(60);
    let (first, last) = (minute(start), minute(end).max(minute(start)));
    let length = (last - first + 1 + MAX_STEPS - 1) / MAX_STEPS;
    let count = (last - first) / length + 1;
    let mut steps: Vec<Step> = (0..count)
        .map(|step| Step {
            at: Timestamp::from_millis((first + step * length) * 60_000),
            joined: 0,
            claimed: 0,
        })
        .collect();
    for (minute, joined, claimed) in minutes {
        // A clock that differs may have counted just outside.
        let index = ((minute - first) / length).clamp(0, count - 1);
        if let Some(step) = usize::try_from(index).ok().and_then(|index| steps.get_mut(index)) {
            step.joined += joined;
            step.claimed += claimed;
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percentiles_are_those_of_the_stamps() {
        let completions = BTreeMap::from([(10, 1), (20, 8), (90, 1)]);
        let counts = OutcomeCounts { completions, ..OutcomeCounts::default() };
        assert_eq!([1, 50, 90, 100].map(|it| counts.percentile(it).unwrap()), [10, 20, 20, 90]);
        assert_eq!(OutcomeCounts::default().percentile(50), None);
    }

    #[test]
    fn what_has_not_ended_is_started() {
        let ended = HashMap::from([(Status::Claimed, 2), (Status::Lapsed, 1)]);
        let counts = OutcomeCounts { joined: 5, ended, ..OutcomeCounts::default() };
        assert_eq!((counts.with(Status::Started), counts.verified()), (2, 2));
    }

    proptest! {
        #[test]
        fn a_timeline_has_at_most_a_hundred_equal_steps_and_loses_nothing(
            length in 0_i64..60_000,
            minutes in proptest::collection::vec((0_i64..60_000, 0_u64..9, 0_u64..9), 0..20),
        ) {
            let start = Timestamp::EPOCH;
            let end = Timestamp::from_millis(length * 60_000);
            let steps = timeline(start, end, &minutes);
            prop_assert!((1..=100).contains(&steps.len()));
            let sum = |of: fn(&Step) -> u64| steps.iter().map(of).sum::<u64>();
            prop_assert_eq!(sum(|it| it.joined), minutes.iter().map(|it| it.1).sum::<u64>());
            prop_assert_eq!(sum(|it| it.claimed), minutes.iter().map(|it| it.2).sum::<u64>());
        }
    }
}
