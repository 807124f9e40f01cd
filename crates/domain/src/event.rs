//! What happens to an app's production tests, as the app's engineers are told of it (§7).
//!
//! An app's events are numbered without a gap, in the order in which they were committed: whoever
//! knows the number of the last one that arrived knows where to go on.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::challenge::Ending;
use crate::challenge_request::ChallengeRequest;
use crate::{ChallengeId, ClientId, EventId, ProviderId, RequestId, Timestamp};

/// For how long events are kept (§7).
pub const KEPT_FOR: Duration = Duration::from_hours(7 * 24);

/// What has happened (§7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventName {
    /// A request has become a challenge.
    Scheduled,
    /// A request could not be scheduled.
    Failed,
    /// A tester was granted a stamp.
    StampClaimed,
    /// The last stamp was granted.
    Completed,
    /// The challenge's time is over, and there were stamps left.
    Expired,
    /// It was called off.
    Cancelled,
}

impl EventName {
    /// All of them, in the order of a production test's life.
    pub const ALL: [Self; 6] = [
        Self::Scheduled,
        Self::Failed,
        Self::StampClaimed,
        Self::Completed,
        Self::Expired,
        Self::Cancelled,
    ];

    /// The name used in the API and in the tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "production_test.scheduled",
            Self::Failed => "production_test.failed",
            Self::StampClaimed => "production_test.stamp_claimed",
            Self::Completed => "production_test.completed",
            Self::Expired => "production_test.expired",
            Self::Cancelled => "production_test.cancelled",
        }
    }

    /// The inverse of [`EventName::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == name)
    }
}

impl From<Ending> for EventName {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Completed => Self::Completed,
            Ending::Closed => Self::Cancelled,
            Ending::Expired => Self::Expired,
        }
    }
}

/// How far the stamps of a challenge have got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamps {
    /// How many were granted so far.
    pub claimed: u32,
    /// How many there are.
    pub of: u32,
}

/// What has happened, and to which production test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBody {
    /// What.
    pub name: EventName,
    /// To which request.
    pub request_id: RequestId,
    /// Its challenge, if it had one by then.
    pub challenge_id: Option<ChallengeId>,
    /// The provider that the tester was verified with; only of a stamp.
    pub provider_id: Option<ProviderId>,
    /// How far the stamps have got; only of what happens to a challenge.
    pub stamps: Option<Stamps>,
    /// Why; only of what has failed.
    pub reason: Option<String>,
    /// When fieldtest learned of it.
    pub at: Timestamp,
}

impl EventBody {
    fn new(name: EventName, request_id: RequestId, at: Timestamp) -> Self {
        Self {
            name,
            request_id,
            challenge_id: None,
            provider_id: None,
            stamps: None,
            reason: None,
            at,
        }
    }

    /// A request has become this challenge.
    #[must_use]
    pub fn scheduled(request_id: RequestId, challenge_id: ChallengeId, at: Timestamp) -> Self {
        Self { challenge_id: Some(challenge_id), ..Self::new(EventName::Scheduled, request_id, at) }
    }

    /// A request could not be scheduled.
    #[must_use]
    pub fn failed(request_id: RequestId, reason: &str, at: Timestamp) -> Self {
        Self { reason: Some(reason.to_owned()), ..Self::new(EventName::Failed, request_id, at) }
    }

    /// A request was called off before it was scheduled.
    #[must_use]
    pub fn called_off(request: &ChallengeRequest) -> Self {
        Self::new(EventName::Cancelled, request.id, request.updated_at)
    }

    /// A tester was granted a stamp.
    #[must_use]
    pub fn stamp_claimed(
        (request_id, challenge_id): (RequestId, ChallengeId),
        provider_id: ProviderId,
        stamps: Stamps,
        at: Timestamp,
    ) -> Self {
        Self {
            challenge_id: Some(challenge_id),
            provider_id: Some(provider_id),
            stamps: Some(stamps),
            ..Self::new(EventName::StampClaimed, request_id, at)
        }
    }

    /// A challenge has ended.
    #[must_use]
    pub fn ended(
        (request_id, challenge_id): (RequestId, ChallengeId),
        ending: Ending,
        stamps: Stamps,
        at: Timestamp,
    ) -> Self {
        Self {
            challenge_id: Some(challenge_id),
            stamps: Some(stamps),
            ..Self::new(ending.into(), request_id, at)
        }
    }
}

/// The number of an event among those of its app: 1, 2, 3, …; 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(u64);

impl Sequence {
    /// From the number that the database keeps.
    #[must_use]
    pub fn from_number(number: i64) -> Self {
        Self(number.max(0).unsigned_abs())
    }

    /// The number that the database keeps.
    #[must_use]
    pub fn as_number(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The one before it.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The text is no number of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an event")]
pub struct MalformedSequence;

impl FromStr for Sequence {
    type Err = MalformedSequence;

    fn from_str(text: &str) -> Result<Self, MalformedSequence> {
        let number: u64 = text.parse().map_err(|_| MalformedSequence)?;
        // One spelling per number, and none that the database could not keep.
        (i64::try_from(number).is_ok() && number.to_string() == text)
            .then_some(Self(number))
            .ok_or(MalformedSequence)
    }
}

/// One event of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose it is.
    pub client_id: ClientId,
    /// Its number among those of the app.
    pub sequence: Sequence,
    /// What has happened.
    pub happening: EventBody,
}

impl Event {
    /// A name that no other event has, in any way in which it is delivered. It is worked out of
    /// what the event says, so that after a restore from a backup another event with the same
    /// number has another name.
    #[must_use]
    pub fn id(&self) -> EventId {
        let EventBody { name, request_id, at, .. } = &self.happening;
        let mut hash = Sha256::new();
        hash.update(request_id.as_bytes());
        hash.update(self.sequence.0.to_be_bytes());
        hash.update(at.as_millis().to_be_bytes());
        hash.update(name.as_str());
        EventId::of_hash(hash.finalize().into())
    }
}

/// Which events of an app are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The first one that is still kept; where none is, the next one that there will be.
    pub oldest: Sequence,
    /// The last one that there has been, kept or not.
    pub newest: Sequence,
}

impl Kept {
    /// Whether all events after this one are there: none of them is no longer kept, and this one is
    /// no dream of the future.
    #[must_use]
    pub fn has_all_after(&self, last: Sequence) -> bool {
        last <= self.newest && self.oldest <= last.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_means_one_event() {
        for event in EventName::ALL {
            assert_eq!(EventName::from_name(event.as_str()), Some(event));
        }
        assert_eq!(EventName::from_name("production_test.made_up"), None);
    }

    #[test]
    fn a_number_has_one_spelling() {
        let largest = i64::MAX.to_string();
        for text in ["0", "1", "42", &largest] {
            assert_eq!(text.parse::<Sequence>().unwrap().to_string(), text);
        }
        for wrong in [
            "",
            "-1",
            "+1",
            "01",
            " 1",
            "1 ",
            "1.0",
            "x",
            "9223372036854775808",
            "99999999999999999999",
        ] {
            assert_eq!(wrong.parse::<Sequence>(), Err(MalformedSequence), "{wrong}");
        }
    }

    #[test]
    fn what_can_be_resumed_is_what_has_all_its_successors() {
        let kept = |oldest, newest| Kept { oldest: Sequence(oldest), newest: Sequence(newest) };
        let resumable = |kept: Kept| {
            (0..10).filter(|last| kept.has_all_after(Sequence(*last))).collect::<Vec<u64>>()
        };
        assert_eq!(resumable(Kept::default()), [0], "nothing has happened yet");
        assert_eq!(resumable(kept(1, 3)), [0, 1, 2, 3]);
        assert_eq!(resumable(kept(3, 5)), [2, 3, 4, 5], "1 and 2 are gone");
        assert_eq!(resumable(kept(6, 5)), [5], "all are gone");
    }

    #[test]
    fn events_that_differ_have_names_that_differ() {
        let request_id = RequestId::from_bytes([1; 16]);
        let event = |sequence, happening| Event {
            client_id: "FK5b0KSM".parse().unwrap(),
            sequence,
            happening,
        };
        let failed = |millis| EventBody::failed(request_id, "why", Timestamp::from_millis(millis));
        let first = event(Sequence(1), failed(0));
        assert_eq!(first.id(), event(Sequence(1), failed(0)).id());
        for other in [
            event(Sequence(2), failed(0)),
            event(Sequence(1), failed(1)),
            event(
                Sequence(1),
                EventBody::scheduled(
                    request_id,
                    ChallengeId::of(request_id),
                    Timestamp::from_millis(0),
                ),
            ),
        ] {
            assert_ne!(other.id(), first.id());
        }
        assert!(first.id().to_string().starts_with("evt_"));
    }

    proptest! {
        #[test]
        fn reading_a_number_never_panics(text in ".*") {
            let _ = text.parse::<Sequence>();
        }
    }
}
