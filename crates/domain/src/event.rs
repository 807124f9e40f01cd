//! Events of an app's production tests (§7).
//!
//! The events of an app are numbered without gaps in the order of their commits, so a client
//! resumes a stream with the number of the last event it received.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::challenge::Ending;
use crate::challenge_request::ChallengeRequest;
use crate::{ChallengeId, ClientId, EventId, ProviderId, RequestId, Timestamp};

/// How long events are stored: 7 days (§7).
pub const RETENTION: Duration = Duration::from_hours(7 * 24);

/// The name of an event (§7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventName {
    /// A request became a challenge.
    Scheduled,
    /// A request could not be scheduled.
    Failed,
    /// A tester was granted a stamp.
    StampClaimed,
    /// The last stamp was granted.
    Completed,
    /// The challenge expired with stamps left.
    Expired,
    /// The production test was cancelled.
    Cancelled,
    /// The production test got more room or another end.
    Updated,
}

impl EventName {
    /// All names, in the order of a production test's life.
    pub const ALL: [Self; 7] = [
        Self::Scheduled,
        Self::Failed,
        Self::StampClaimed,
        Self::Completed,
        Self::Expired,
        Self::Cancelled,
        Self::Updated,
    ];

    /// The name in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "production_test.scheduled",
            Self::Failed => "production_test.failed",
            Self::StampClaimed => "production_test.stamp_claimed",
            Self::Completed => "production_test.completed",
            Self::Expired => "production_test.expired",
            Self::Cancelled => "production_test.cancelled",
            Self::Updated => "production_test.updated",
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

/// How many of a challenge's stamps have been claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StampProgress {
    /// How many have been claimed, including the one of this event.
    pub claimed: u32,
    /// How many the challenge grants.
    pub limit: u32,
}

/// An event before it gets its number: what happened to which production test (§7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBody {
    /// The name.
    pub name: EventName,
    /// The challenge request.
    pub request_id: RequestId,
    /// The challenge; `None` if the request had none at that time.
    pub challenge_id: Option<ChallengeId>,
    /// The provider of the stamp; only for [`EventName::StampClaimed`].
    pub provider_id: Option<ProviderId>,
    /// The claimed stamps; only for events of a challenge after it was scheduled.
    pub stamps: Option<StampProgress>,
    /// The reason; only for [`EventName::Failed`].
    pub reason: Option<String>,
    /// When fieldtest detected it.
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

    /// A request became this challenge.
    #[must_use]
    pub fn scheduled(request_id: RequestId, challenge_id: ChallengeId, at: Timestamp) -> Self {
        Self { challenge_id: Some(challenge_id), ..Self::new(EventName::Scheduled, request_id, at) }
    }

    /// A request could not be scheduled.
    #[must_use]
    pub fn failed(request_id: RequestId, reason: &str, at: Timestamp) -> Self {
        Self { reason: Some(reason.to_owned()), ..Self::new(EventName::Failed, request_id, at) }
    }

    /// A request was cancelled before it was scheduled.
    #[must_use]
    pub fn request_cancelled(request: &ChallengeRequest) -> Self {
        Self::new(EventName::Cancelled, request.id, request.updated_at)
    }

    /// A request got more room or another end before it was scheduled.
    #[must_use]
    pub fn request_updated(request: &ChallengeRequest) -> Self {
        Self::new(EventName::Updated, request.id, request.updated_at)
    }

    /// A challenge got more room or another end.
    #[must_use]
    pub fn updated(
        (request_id, challenge_id): (RequestId, ChallengeId),
        stamps: StampProgress,
        at: Timestamp,
    ) -> Self {
        Self {
            challenge_id: Some(challenge_id),
            stamps: Some(stamps),
            ..Self::new(EventName::Updated, request_id, at)
        }
    }

    /// A tester was granted a stamp.
    #[must_use]
    pub fn stamp_claimed(
        (request_id, challenge_id): (RequestId, ChallengeId),
        provider_id: ProviderId,
        stamps: StampProgress,
        at: Timestamp,
    ) -> Self {
        Self {
            challenge_id: Some(challenge_id),
            provider_id: Some(provider_id),
            stamps: Some(stamps),
            ..Self::new(EventName::StampClaimed, request_id, at)
        }
    }

    /// A challenge ended.
    #[must_use]
    pub fn ended(
        (request_id, challenge_id): (RequestId, ChallengeId),
        ending: Ending,
        stamps: StampProgress,
        at: Timestamp,
    ) -> Self {
        Self {
            challenge_id: Some(challenge_id),
            stamps: Some(stamps),
            ..Self::new(ending.into(), request_id, at)
        }
    }
}

/// The number of an event among those of its app: 1, 2, 3, …; 0 means before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(u64);

impl Sequence {
    /// From the number that the database stores.
    #[must_use]
    pub fn from_number(number: i64) -> Self {
        Self(number.max(0).unsigned_abs())
    }

    /// The number that the database stores.
    #[must_use]
    pub fn as_number(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    /// The next number.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The previous number; 0 for 0.
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

/// The text is not the number of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an event")]
pub struct MalformedSequence;

impl FromStr for Sequence {
    type Err = MalformedSequence;

    fn from_str(text: &str) -> Result<Self, MalformedSequence> {
        let number: u64 = text.parse().map_err(|_| MalformedSequence)?;
        // Each number has one spelling, and all of them fit the database's column.
        (i64::try_from(number).is_ok() && number.to_string() == text)
            .then_some(Self(number))
            .ok_or(MalformedSequence)
    }
}

/// One event of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The app.
    pub client_id: ClientId,
    /// The number among the events of the app.
    pub sequence: Sequence,
    /// What happened.
    pub body: EventBody,
}

impl Event {
    /// The globally unique id, the same for every delivery of this event. It is a hash of the
    /// content: after a restore from a backup, another event with the same number has another id.
    #[must_use]
    pub fn id(&self) -> EventId {
        let EventBody { name, request_id, at, .. } = &self.body;
        let mut hash = Sha256::new();
        hash.update(request_id.as_bytes());
        hash.update(self.sequence.0.to_be_bytes());
        hash.update(at.as_millis().to_be_bytes());
        hash.update(name.as_str());
        EventId::of_hash(hash.finalize().into())
    }
}

/// The range of an app's events that are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventRange {
    /// The oldest stored event; if none is stored, the number of the next event.
    pub oldest: Sequence,
    /// The newest event, whether it is still stored or not.
    pub newest: Sequence,
}

impl EventRange {
    /// Whether a stream can resume after `last`: no later event has been deleted, and `last` is not
    /// in the future.
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
    fn names_are_unique() {
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
    fn a_stream_resumes_where_all_later_events_are_stored() {
        let range =
            |oldest, newest| EventRange { oldest: Sequence(oldest), newest: Sequence(newest) };
        let resumable = |range: EventRange| {
            (0..10).filter(|last| range.has_all_after(Sequence(*last))).collect::<Vec<u64>>()
        };
        assert_eq!(resumable(EventRange::default()), [0], "no events yet");
        assert_eq!(resumable(range(1, 3)), [0, 1, 2, 3]);
        assert_eq!(resumable(range(3, 5)), [2, 3, 4, 5], "1 and 2 are deleted");
        assert_eq!(resumable(range(6, 5)), [5], "all are deleted");
    }

    #[test]
    fn different_events_have_different_ids() {
        let request_id = RequestId::from_bytes([1; 16]);
        let event =
            |sequence, body| Event { client_id: "FK5b0KSM".parse().unwrap(), sequence, body };
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
