//! What it means that the challenge service says how a challenge stands (§9): what is new, what an
//! app's engineers are told of it (§7), and when to look again.

use crate::challenge::{Challenge, Ending, Watch};
use crate::event::{EventBody, Stamps};
use crate::report::ProviderRow;
use crate::stamp_news::{KnownClaims, StampNews, total};
use crate::{ChallengeId, RequestId, Timestamp};

/// What was known of a challenge before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The request that it was made of.
    pub request_id: RequestId,
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// How many stamps there are.
    pub max_stamp_claims: u32,
    /// When its last stamp was granted, if it was.
    pub completed_at: Option<Timestamp>,
    /// Whether it was closed before its time.
    pub is_closed: bool,
    /// The stamps that have been told of.
    pub claims: KnownClaims,
}

/// What follows from an observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// What is known now.
    pub known: Known,
    /// Whether the challenge itself stands otherwise than before.
    pub has_changed: bool,
    /// What to tell, in this order.
    pub happenings: Vec<EventBody>,
    /// When to look again; `None` when nothing can change any more, and all has been told.
    pub next_observation_at: Option<Timestamp>,
    /// Whether there was more to tell than was asked for: then the same observation says the rest.
    pub has_more: bool,
}

impl Conclusion {
    /// Whether anything is new: if not, nothing has to be written down.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.has_changed
            || self.has_more
            || !self.happenings.is_empty()
            || self.next_observation_at.is_none()
    }
}

impl Known {
    /// Compares what is known with what is seen at `now`. Without `providers` the stamps were not
    /// looked at; the end is told of only after the last stamp, so then it is looked at again at
    /// once. At most about `limit` happenings are told at a time.
    ///
    /// What has completed or closed stays so, in whatever order observations arrive.
    #[must_use]
    pub fn compare(
        mut self,
        seen: &Challenge,
        providers: Option<&[ProviderRow]>,
        now: Timestamp,
        watch: Watch,
        limit: usize,
    ) -> Conclusion {
        let had_ended = self.completed_at.is_some() || self.is_closed;
        if !had_ended {
            (self.completed_at, self.is_closed) = (seen.completed_at, seen.is_closed);
        }
        let has_changed = !had_ended && (self.completed_at.is_some() || self.is_closed);
        let Some(providers) = providers else {
            let next_observation_at = Some(now);
            return Conclusion {
                known: self,
                has_changed,
                happenings: Vec::new(),
                next_observation_at,
                has_more: false,
            };
        };
        let StampNews { stamps, known, has_more } = StampNews::of(
            std::mem::take(&mut self.claims),
            providers,
            self.max_stamp_claims,
            limit,
        );
        self.claims = known;
        let ids = (self.request_id, self.challenge_id);
        let stamps_of = |claimed| Stamps { claimed, of: self.max_stamp_claims };
        let mut happenings: Vec<_> = stamps
            .into_iter()
            .map(|(provider_id, claimed)| {
                EventBody::stamp_claimed(ids, provider_id, stamps_of(claimed), now)
            })
            .collect();
        let next_observation_at = match self.ending(seen, now) {
            _ if has_more => Some(now),
            Some(ending) => {
                happenings.push(EventBody::ended(ids, ending, stamps_of(total(&self.claims)), now));
                None
            }
            None => Some(seen.next_observation(now, watch)),
        };
        Conclusion { known: self, has_changed, happenings, next_observation_at, has_more }
    }

    fn ending(&self, seen: &Challenge, now: Timestamp) -> Option<Ending> {
        let Self { completed_at, is_closed, .. } = *self;
        Challenge { completed_at, is_closed, ..seen.clone() }.ending_at(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventName;

    const NOW: &str = "2026-04-08T10:05:00.000Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn known() -> Known {
        let request_id = RequestId::from_bytes([1; 16]);
        Known {
            request_id,
            challenge_id: ChallengeId::of(request_id),
            max_stamp_claims: 3,
            completed_at: None,
            is_closed: false,
            claims: KnownClaims::new(),
        }
    }

    fn challenge() -> Challenge {
        let created_at = at("2026-04-08T10:00:00.000Z");
        Challenge {
            id: known().challenge_id,
            title: "BankID".into(),
            description: None,
            created_at,
            expires_at: Challenge::expiry(created_at),
            completed_at: None,
            is_closed: false,
        }
    }

    fn granted(claim_count: u64) -> Vec<ProviderRow> {
        vec![ProviderRow {
            provider_id: "bankidse".parse().unwrap(),
            claim_count,
            average_completion_seconds: None,
        }]
    }

    #[test]
    fn only_what_is_new_is_news() {
        let look = |seen: &Challenge, providers: &[ProviderRow], now| {
            known().compare(seen, Some(providers), at(now), Watch::Untold, 1).is_news()
        };
        assert!(!look(&challenge(), &[], NOW));
        assert!(look(&challenge(), &granted(1), NOW));
        assert!(look(&Challenge { is_closed: true, ..challenge() }, &[], NOW));
        assert!(look(&challenge(), &[], "2026-04-16T00:00:00.000Z"), "it is over");
    }

    fn told(conclusion: &Conclusion) -> Vec<(EventName, Option<u32>)> {
        let told =
            |happening: &EventBody| (happening.name, happening.stamps.map(|stamps| stamps.claimed));
        conclusion.happenings.iter().map(told).collect()
    }

    #[test]
    fn nothing_new_is_nothing_to_tell() {
        let conclusion =
            known().compare(&challenge(), Some(&granted(0)), at(NOW), Watch::Untold, 10);
        assert_eq!((told(&conclusion), conclusion.has_changed), (vec![], false));
        assert_eq!(conclusion.next_observation_at, Some(at("2026-04-08T10:05:10.000Z")));
    }

    #[test]
    fn the_stamps_come_before_the_end_and_the_end_comes_once() {
        let complete = Challenge { completed_at: Some(at(NOW)), ..challenge() };
        let conclusion = known().compare(&complete, Some(&granted(3)), at(NOW), Watch::Untold, 10);
        let stamp = |claimed| (EventName::StampClaimed, Some(claimed));
        assert_eq!(
            told(&conclusion),
            [stamp(1), stamp(2), stamp(3), (EventName::Completed, Some(3))]
        );
        assert_eq!((conclusion.has_changed, conclusion.next_observation_at), (true, None));
    }

    #[test]
    fn much_to_tell_is_told_bit_by_bit_and_the_end_last() {
        let closed = Challenge { is_closed: true, ..challenge() };
        let first = known().compare(&closed, Some(&granted(2)), at(NOW), Watch::Untold, 1);
        assert_eq!(told(&first), [(EventName::StampClaimed, Some(1))]);
        assert_eq!((first.has_more, first.next_observation_at), (true, Some(at(NOW))));
        let second = first.known.compare(&closed, Some(&granted(2)), at(NOW), Watch::Untold, 1);
        assert_eq!(
            told(&second),
            [(EventName::StampClaimed, Some(2)), (EventName::Cancelled, Some(2))]
        );
        assert_eq!(
            (second.has_changed, second.has_more, second.next_observation_at),
            (false, false, None)
        );
    }

    #[test]
    fn an_end_that_was_seen_without_the_stamps_is_remembered_and_told_with_them() {
        let closed = Challenge { is_closed: true, ..challenge() };
        let first = known().compare(&closed, None, at(NOW), Watch::Untold, 10);
        assert_eq!(
            (told(&first), first.has_changed, first.next_observation_at),
            (vec![], true, Some(at(NOW)))
        );
        let later = at("2026-05-01T00:00:00.000Z");
        let second = first.known.compare(&challenge(), Some(&granted(1)), later, Watch::Untold, 10);
        assert_eq!(
            told(&second),
            [(EventName::StampClaimed, Some(1)), (EventName::Cancelled, Some(1))]
        );
    }

    #[test]
    fn what_is_neither_complete_nor_closed_expires() {
        let end = challenge().expires_at;
        let conclusion = known().compare(&challenge(), Some(&granted(0)), end, Watch::Untold, 10);
        assert_eq!(told(&conclusion), [(EventName::Expired, Some(0))]);
        assert_eq!((conclusion.has_changed, conclusion.next_observation_at), (false, None));
    }
}
