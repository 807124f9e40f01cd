//! Events and the server-sent event stream that delivers them (§7).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Moment;

/// The request header with the id of the event after which a stream resumes.
pub const LAST_EVENT_ID_HEADER: &str = "Last-Event-ID";

/// The comment that a stream sends while there are no events, so that proxies do not close an idle
/// connection.
pub const HEARTBEAT: &str = ": nothing new\n\n";

/// The API version of the event payload.
const API_VERSION: &str = "v1";

/// The time after which a client reconnects, in milliseconds.
const RETRY_MILLIS: u32 = 2000;

/// The name of an event (§7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum EventName {
    /// A request became a challenge.
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
    /// The challenge expired with stamps left.
    #[serde(rename = "production_test.expired")]
    Expired,
    /// The production test was cancelled.
    #[serde(rename = "production_test.cancelled")]
    Cancelled,
    /// The production test got more room or another end.
    #[serde(rename = "production_test.updated")]
    Updated,
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
            domain::event::EventName::Updated => Self::Updated,
        }
    }
}

/// An event of a production test (§7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProductionTestEvent)]
pub struct Event {
    /// The name.
    pub event: EventName,
    /// The id: `evt_` and a UUID, the same for every delivery of this event.
    #[schema(example = "evt_5d0c6d0e-8f3b-8a52-9d0f-3a1b6c7d8e9f")]
    pub event_id: String,
    /// When fieldtest detected it.
    pub timestamp: Moment,
    /// The API version of this payload: `v1`.
    #[schema(example = "v1")]
    pub api_version: String,
    /// The client id of the app.
    #[schema(example = "FK5b0KSM")]
    pub client_id: String,
    /// The details.
    pub data: EventData,
}

/// The details of an event (§7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventData {
    /// The id of the challenge request.
    #[schema(example = "req_7f3a9c1e-4b2d-4f88-9e1a-0c3d5b6e7f8a")]
    pub request_id: String,
    /// The id of the challenge; null if the request had none at that time.
    #[schema(required = true, example = "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a")]
    pub challenge_id: Option<String>,
    /// The provider of the stamp; only for `production_test.stamp_claimed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "bankidse")]
    pub provider_id: Option<String>,
    /// How many stamps have been claimed; only for events of a challenge after it was scheduled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 2)]
    pub total_claims: Option<u32>,
    /// How many stamps the challenge grants; only for events of a challenge after it was scheduled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 3)]
    pub max_stamp_claims: Option<u32>,
    /// The reason; only for `production_test.failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
}

impl From<&domain::event::Event> for Event {
    fn from(event: &domain::event::Event) -> Self {
        let domain::event::Event { client_id, sequence: _, body } = event;
        let domain::event::EventBody {
            name,
            request_id,
            challenge_id,
            provider_id,
            stamps,
            reason,
            at,
        } = body;
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
                max_stamp_claims: stamps.map(|stamps| stamps.limit),
                reason: reason.clone(),
            },
        }
    }
}

/// The beginning of a stream that resumes after `last`. It carries that id, so that a client that
/// is disconnected before the first event can resume too.
#[must_use]
pub fn opening(last: domain::event::Sequence) -> String {
    format!("retry: {RETRY_MILLIS}\nid: {last}\n\n")
}

/// An event as a block of the stream.
///
/// # Errors
/// Never in practice: every field of an event can be serialised as JSON.
pub fn frame(event: &domain::event::Event) -> Result<String, serde_json::Error> {
    // serde_json escapes line breaks, so the data is one line.
    let data = serde_json::to_string(&Event::from(event))?;
    Ok(format!("id: {}\nevent: {}\ndata: {data}\n\n", event.sequence, event.body.name.as_str()))
}

#[cfg(test)]
mod tests {
    use domain::RequestId;
    use domain::event::{EventBody, EventName as Name, Sequence};

    use super::*;

    #[test]
    fn a_name_is_the_same_in_the_payload_and_in_the_block() {
        for name in Name::ALL {
            assert_eq!(serde_json::to_value(EventName::from(name)).unwrap(), name.as_str());
        }
    }

    #[test]
    fn a_block_is_one_event_whatever_its_text_contains() {
        let at = "2026-04-08T10:00:00.000Z".parse().unwrap();
        let body = EventBody::failed(RequestId::from_bytes([1; 16]), "no\n\r\nid: 7", at);
        let event = domain::event::Event {
            client_id: "FK5b0KSM".parse().unwrap(),
            sequence: Sequence::from_number(42),
            body,
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
