//! Events, and the stream in which an app's engineers follow them (§7).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Moment;

/// The header that says after which event a stream goes on.
pub const LAST_EVENT_ID_HEADER: &str = "Last-Event-ID";

/// What a stream says now and then while nothing happens, so that nobody on the way takes it for
/// dead.
pub const HEARTBEAT: &str = ": nothing new\n\n";

/// How the payload of an event is to be read: with the version of the API that it belongs to.
const API_VERSION: &str = "v1";

/// How long a follower waits before it comes back, in milliseconds.
const RETRY_MILLIS: u32 = 2000;

/// What has happened (§7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum EventName {
    /// A request has become a challenge.
    #[serde(rename = "production_test.scheduled")]
    Scheduled,
    /// A request could not be scheduled.
    #[serde(rename = "production_test.failed")]
    Failed,
    /// A tester was granted a stamp.
    #[serde(rename = "production_test.stamp_claimed")]
    StampClaimed,
    /// The last stamp was granted.
    #[serde(rename = "production_test.completed")]
    Completed,
    /// The challenge's time is over, and there were stamps left.
    #[serde(rename = "production_test.expired")]
    Expired,
    /// It was called off.
    #[serde(rename = "production_test.cancelled")]
    Cancelled,
}

impl From<domain::event::EventName> for EventName {
    fn from(name: domain::event::EventName) -> Self {
        match name {
            domain::event::EventName::Scheduled => Self::Scheduled,
            domain::event::EventName::Failed => Self::Failed,
            domain::event::EventName::StampClaimed => Self::StampClaimed,
            domain::event::EventName::Completed => Self::Completed,
            domain::event::EventName::Expired => Self::Expired,
            domain::event::EventName::Cancelled => Self::Cancelled,
        }
    }
}

/// Something that has happened to a production test (§7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProductionTestEvent)]
pub struct Event {
    /// What.
    pub event: EventName,
    /// `evt_` and a UUID: the same however often, and in whatever way, the event is delivered.
    #[schema(example = "evt_5d0c6d0e-8f3b-8a52-9d0f-3a1b6c7d8e9f")]
    pub event_id: String,
    /// When fieldtest learned of it.
    pub timestamp: Moment,
    /// The version of the API in whose terms this is written: `v1`.
    #[schema(example = "v1")]
    pub api_version: String,
    /// The app.
    #[schema(example = "FK5b0KSM")]
    pub client_id: String,
    /// What is to be said of it.
    pub data: EventData,
}

/// What is to be said of an event (§7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventData {
    /// The challenge request.
    #[schema(example = "req_7f3a9c1e-4b2d-4f88-9e1a-0c3d5b6e7f8a")]
    pub request_id: String,
    /// Its challenge; null if it had none by then.
    #[schema(required = true, example = "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a")]
    pub challenge_id: Option<String>,
    /// The provider that the tester was verified with; only of `production_test.stamp_claimed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "bankidse")]
    pub provider_id: Option<String>,
    /// How many stamps were granted so far; only of what happens to a challenge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 2)]
    pub total_claims: Option<u32>,
    /// How many stamps there are; only of what happens to a challenge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 3)]
    pub max_stamp_claims: Option<u32>,
    /// Why; only of `production_test.failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
}

impl From<&domain::event::Event> for Event {
    fn from(event: &domain::event::Event) -> Self {
        let domain::event::Event { client_id, sequence: _, happening } = event;
        let domain::event::EventBody {
            name,
            request_id,
            challenge_id,
            provider_id,
            stamps,
            reason,
            at,
        } = happening;
        Self {
            event: (*name).into(),
            event_id: event.id().to_string(),
            timestamp: (*at).into(),
            api_version: API_VERSION.into(),
            client_id: client_id.to_string(),
            data: EventData {
                request_id: request_id.to_string(),
                challenge_id: challenge_id.as_ref().map(ToString::to_string),
                provider_id: provider_id.as_ref().map(ToString::to_string),
                total_claims: stamps.map(|stamps| stamps.claimed),
                max_stamp_claims: stamps.map(|stamps| stamps.of),
                reason: reason.clone(),
            },
        }
    }
}

/// How a stream begins that goes on after `last`: a follower who is cut off before the first event
/// knows where to go on too.
#[must_use]
pub fn opening(last: domain::event::Sequence) -> String {
    format!("retry: {RETRY_MILLIS}\nid: {last}\n\n")
}

/// An event in a stream.
///
/// # Errors
/// Never: all that an event holds can be written as JSON.
pub fn frame(event: &domain::event::Event) -> Result<String, serde_json::Error> {
    // JSON of this kind has no line breaks in it.
    let data = serde_json::to_string(&Event::from(event))?;
    Ok(format!(
        "id: {}\nevent: {}\ndata: {data}\n\n",
        event.sequence,
        event.happening.name.as_str()
    ))
}

#[cfg(test)]
mod tests {
    use domain::RequestId;
    use domain::event::{EventBody, EventName as Name, Sequence};

    use super::*;

    #[test]
    fn a_name_is_the_same_in_the_payload_and_beside_it() {
        for name in Name::ALL {
            assert_eq!(serde_json::to_value(EventName::from(name)).unwrap(), name.as_str());
        }
    }

    #[test]
    fn a_frame_is_one_event_whatever_the_text_in_it() {
        let at = "2026-04-08T10:00:00.000Z".parse().unwrap();
        let happening = EventBody::failed(RequestId::from_bytes([1; 16]), "no\n\r\nid: 7", at);
        let event = domain::event::Event {
            client_id: "FK5b0KSM".parse().unwrap(),
            sequence: Sequence::from_number(42),
            happening,
        };
        let frame = frame(&event).unwrap();
        let lines: Vec<&str> = frame.lines().collect();
        assert_eq!(
            (lines.len(), lines[0], lines[1]),
            (4, "id: 42", "event: production_test.failed")
        );
        let data: Event = serde_json::from_str(lines[2].strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(data, Event::from(&event));
        assert_eq!(data.data.reason.as_deref(), Some("no\n\r\nid: 7"));
    }
}
