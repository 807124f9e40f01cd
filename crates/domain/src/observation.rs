//! What follows from observing a challenge at the challenge service (§9): what has changed, which
//! events the app gets (§7), and when to observe it again.

use crate::challenge::{Challenge, Ending, Watch};
use crate::event::{EventBody, StampProgress};
use crate::new_stamps::{ClaimCounts, NewStamps, total};
use crate::report::ProviderRow;
use crate::{ChallengeId, RequestId, Timestamp};

/// The recorded state of a challenge, as of its last observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastObserved {
    /// The request that became this challenge.
    pub request_id: RequestId,
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// How many stamps the challenge grants.
    pub max_stamp_claims: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When its last stamp was granted; `None` while stamps are left.
    pub completed_at: Option<Timestamp>,
    /// Whether it was closed before it expired.
    pub is_closed: bool,
    /// The stamps for which an event was recorded.
    pub claims: ClaimCounts,
}

/// What follows from an observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservationOutcome {
    /// The state to record.
    pub last_observed: LastObserved,
    /// Whether the challenge has completed or closed, or got another limit or end, since the last
    /// observation.
    pub has_changed: bool,
    /// The events to record, in this order.
    pub events: Vec<EventBody>,
    /// When to observe the challenge again; `None` once it has ended and all events are recorded.
    pub next_observation_at: Option<Timestamp>,
    /// Whether the limit cut the events off. Comparing the same observation again yields the rest.
    pub has_more: bool,
}

impl ObservationOutcome {
    /// Whether there is anything to record.
    #[must_use]
    pub fn needs_recording(&self) -> bool {
        self.has_changed
            || self.has_more
            || !self.events.is_empty()
            || self.next_observation_at.is_none()
    }
}

impl LastObserved {
    /// The challenge as it was last observed, without its texts: what is left of one that the
    /// challenge service does not know any more. It still expires.
    #[must_use]
    pub fn challenge(&self) -> Challenge {
        Challenge {
            id: self.challenge_id,
            title: String::new(),
            description: None,
            created_at: self.created_at,
            expires_at: self.expires_at,
            completed_at: self.completed_at,
            is_closed: self.is_closed,
            stamp_limit: None,
        }
    }

    /// Compares the recorded state with the challenge as observed at `now`. Yields at most `limit`
    /// stamp events, and after the last of them the event for the challenge's end.
    ///
    /// Without `providers` the stamps were not observed. The challenge is then due again at once,
    /// because the event for its end must follow those for its stamps.
    ///
    /// A challenge that has completed or closed stays so, in whatever order observations arrive,
    /// unless its limit was raised. An observation from before that is ignored, because a limit never
    /// shrinks.
    #[must_use]
    pub fn compare(
        mut self,
        observed: &Challenge,
        providers: Option<&[ProviderRow]>,
        now: Timestamp,
        watch: Watch,
        limit: usize,
    ) -> ObservationOutcome {
        let is_updated = self.take_update(observed);
        let had_ended = self.has_ended();
        if !had_ended && !self.is_newer_than(observed) {
            (self.completed_at, self.is_closed) = (observed.completed_at, observed.is_closed);
        }
        let has_changed = is_updated || (!had_ended && self.has_ended());
        let (stamps, has_more) = match providers {
            Some(providers) => self.take_new_stamps(providers, now, limit),
            None => (Vec::new(), false),
        };
        let updated = EventBody::updated(self.ids(), self.progress(None), now);
        let mut events: Vec<_> = is_updated.then_some(updated).into_iter().chain(stamps).collect();
        let next_observation_at = match self.ending(observed, now) {
            _ if has_more || providers.is_none() => Some(now),
            _ if self.is_newer_than(observed) => Some(observed.next_observation(now, watch)),
            Some(ending) => {
                events.push(EventBody::ended(self.ids(), ending, self.progress(None), now));
                None
            }
            None => Some(observed.next_observation(now, watch)),
        };
        ObservationOutcome {
            last_observed: self,
            has_changed,
            events,
            next_observation_at,
            has_more,
        }
    }

    /// Takes over the limit and the end of a challenge that was given more room or more time.
    /// Returns whether that is new.
    fn take_update(&mut self, observed: &Challenge) -> bool {
        if self.is_closed || self.is_newer_than(observed) {
            return false;
        }
        let limit = observed.stamp_limit.unwrap_or(self.max_stamp_claims);
        let has_more_room = limit > self.max_stamp_claims;
        let has_other_end = observed.expires_at != self.expires_at;
        if has_more_room {
            self.completed_at = None;
        }
        (self.max_stamp_claims, self.expires_at) = (limit, observed.expires_at);
        has_more_room || has_other_end
    }

    /// Whether this limit was recorded after the challenge was observed.
    fn is_newer_than(&self, observed: &Challenge) -> bool {
        observed.stamp_limit.is_some_and(|limit| limit < self.max_stamp_claims)
    }

    /// Counts the stamps that are new in this report. Returns an event for each of them, and
    /// whether there are more.
    fn take_new_stamps(
        &mut self,
        providers: &[ProviderRow],
        now: Timestamp,
        limit: usize,
    ) -> (Vec<EventBody>, bool) {
        let recorded = std::mem::take(&mut self.claims);
        let NewStamps { stamps, counts, has_more } =
            NewStamps::since(recorded, providers, self.max_stamp_claims, limit);
        self.claims = counts;
        let event = |(provider_id, claimed)| {
            EventBody::stamp_claimed(self.ids(), provider_id, self.progress(Some(claimed)), now)
        };
        (stamps.into_iter().map(event).collect(), has_more)
    }

    /// Whether a challenge whose end is recorded turns out not to have ended like that: it had
    /// expired for a clock that was fast, and is active or has ended in another way; or it has more
    /// room now.
    #[must_use]
    pub fn may_go_on(&self, observed: &Challenge, now: Timestamp) -> bool {
        let has_more_room = observed.stamp_limit.is_some_and(|it| it > self.max_stamp_claims);
        (!self.has_ended() && observed.ending_at(now) != Some(Ending::Expired))
            || (has_more_room && !self.is_closed)
    }

    fn has_ended(&self) -> bool {
        self.completed_at.is_some() || self.is_closed
    }

    fn ids(&self) -> (RequestId, ChallengeId) {
        (self.request_id, self.challenge_id)
    }

    /// The progress after `claimed` stamps, or after all recorded ones.
    fn progress(&self, claimed: Option<u32>) -> StampProgress {
        StampProgress {
            claimed: claimed.unwrap_or_else(|| total(&self.claims)),
            limit: self.max_stamp_claims,
        }
    }

    fn ending(&self, observed: &Challenge, now: Timestamp) -> Option<Ending> {
        let Self { completed_at, is_closed, .. } = *self;
        Challenge { completed_at, is_closed, ..observed.clone() }.ending_at(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventName;
    use crate::test_data;

    const NOW: &str = "2026-04-08T10:05:00.000Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn last_observed() -> LastObserved {
        let request_id = RequestId::from_bytes([1; 16]);
        LastObserved {
            request_id,
            challenge_id: ChallengeId::of(request_id),
            max_stamp_claims: 3,
            created_at: at("2026-04-08T10:00:00.000Z"),
            expires_at: at("2026-04-15T23:59:59.000Z"),
            completed_at: None,
            is_closed: false,
            claims: ClaimCounts::new(),
        }
    }

    fn challenge() -> Challenge {
        let id = last_observed().challenge_id;
        Challenge { id, ..test_data::challenge(at("2026-04-08T10:00:00.000Z")) }
    }

    fn granted(claim_count: u64) -> Vec<ProviderRow> {
        vec![ProviderRow {
            provider_id: "bankidse".parse().unwrap(),
            claim_count,
            average_completion_seconds: None,
        }]
    }

    /// The outcome for a challenge of which nothing is recorded, `claims` stamps being granted.
    fn first(observed: &Challenge, claims: u64, now: &str, limit: usize) -> ObservationOutcome {
        last_observed().compare(observed, Some(&granted(claims)), at(now), Watch::Polled, limit)
    }

    fn names_and_totals(outcome: &ObservationOutcome) -> Vec<(EventName, Option<u32>)> {
        let event = |event: &EventBody| (event.name, event.stamps.map(|stamps| stamps.claimed));
        outcome.events.iter().map(event).collect()
    }

    #[test]
    fn only_a_difference_needs_recording() {
        let closed = Challenge { is_closed: true, ..challenge() };
        assert!(!first(&challenge(), 0, NOW, 1).needs_recording());
        assert!(first(&challenge(), 1, NOW, 1).needs_recording());
        assert!(first(&closed, 0, NOW, 1).needs_recording());
        assert!(first(&challenge(), 0, "2026-04-16T00:00:00.000Z", 1).needs_recording(), "expired");
    }

    #[test]
    fn without_a_difference_there_is_no_event() {
        let outcome = first(&challenge(), 0, NOW, 10);
        assert_eq!((names_and_totals(&outcome), outcome.has_changed), (vec![], false));
        assert_eq!(outcome.next_observation_at, Some(at("2026-04-08T10:05:10.000Z")));
    }

    #[test]
    fn the_stamps_come_before_the_end_and_the_end_comes_once() {
        let complete = Challenge { completed_at: Some(at(NOW)), ..challenge() };
        let outcome = first(&complete, 3, NOW, 10);
        let stamp = |claimed| (EventName::StampClaimed, Some(claimed));
        assert_eq!(
            names_and_totals(&outcome),
            [stamp(1), stamp(2), stamp(3), (EventName::Completed, Some(3))]
        );
        assert_eq!((outcome.has_changed, outcome.next_observation_at), (true, None));
    }

    #[test]
    fn the_limit_splits_the_events_and_the_end_comes_last() {
        let closed = Challenge { is_closed: true, ..challenge() };
        let outcome = first(&closed, 2, NOW, 1);
        assert_eq!(names_and_totals(&outcome), [(EventName::StampClaimed, Some(1))]);
        assert_eq!((outcome.has_more, outcome.next_observation_at), (true, Some(at(NOW))));
        let rest =
            outcome.last_observed.compare(&closed, Some(&granted(2)), at(NOW), Watch::Polled, 1);
        assert_eq!(
            names_and_totals(&rest),
            [(EventName::StampClaimed, Some(2)), (EventName::Cancelled, Some(2))]
        );
        assert_eq!(
            (rest.has_changed, rest.has_more, rest.next_observation_at),
            (false, false, None)
        );
    }

    #[test]
    fn an_end_observed_without_stamps_is_recorded_and_gets_its_event_with_the_stamps() {
        let closed = Challenge { is_closed: true, ..challenge() };
        let outcome = last_observed().compare(&closed, None, at(NOW), Watch::Polled, 10);
        assert_eq!(names_and_totals(&outcome), []);
        assert_eq!((outcome.has_changed, outcome.next_observation_at), (true, Some(at(NOW))));
        let later = at("2026-05-01T00:00:00.000Z");
        let rest = outcome.last_observed.compare(
            &challenge(),
            Some(&granted(1)),
            later,
            Watch::Polled,
            10,
        );
        assert_eq!(
            names_and_totals(&rest),
            [(EventName::StampClaimed, Some(1)), (EventName::Cancelled, Some(1))]
        );
    }

    #[test]
    fn more_room_opens_a_complete_challenge_again_and_an_older_observation_does_not_end_it() {
        let complete =
            Challenge { completed_at: Some(at(NOW)), stamp_limit: Some(3), ..challenge() };
        let ended = first(&complete, 3, NOW, 10).last_observed;
        let more = Challenge { stamp_limit: Some(5), ..challenge() };
        assert!(ended.may_go_on(&more, at(NOW)) && !ended.may_go_on(&complete, at(NOW)));
        let raised = ended.compare(&more, Some(&granted(3)), at(NOW), Watch::Polled, 10);
        assert_eq!(names_and_totals(&raised), [(EventName::Updated, Some(3))]);
        assert_eq!((raised.last_observed.completed_at, raised.has_changed), (None, true));
        let older = raised.last_observed.clone();
        let older = older.compare(&complete, Some(&granted(3)), at(NOW), Watch::Polled, 10);
        assert_eq!((older.events, older.last_observed), (vec![], raised.last_observed));
        assert_eq!(older.next_observation_at, raised.next_observation_at);
    }

    #[test]
    fn another_end_is_told_once() {
        let longer = Challenge { expires_at: at("2026-04-20T00:00:00.000Z"), ..challenge() };
        let outcome = first(&longer, 0, NOW, 10);
        assert_eq!(names_and_totals(&outcome), [(EventName::Updated, Some(0))]);
        let again =
            outcome.last_observed.compare(&longer, Some(&granted(0)), at(NOW), Watch::Polled, 10);
        assert_eq!((names_and_totals(&again), again.has_changed), (vec![], false));
    }

    #[test]
    fn a_challenge_that_is_neither_complete_nor_closed_expires() {
        let outcome = first(&challenge(), 0, "2026-04-15T23:59:59.000Z", 10);
        assert_eq!(names_and_totals(&outcome), [(EventName::Expired, Some(0))]);
        assert_eq!((outcome.has_changed, outcome.next_observation_at), (false, None));
    }
}
