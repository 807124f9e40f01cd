//! A span: one part of what becomes of an order.

use domain::{ChallengeId, ParticipationId, RequestId, Timestamp};

/// The trace of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(pub(crate) [u8; 16]);

impl From<RequestId> for TraceId {
    fn from(id: RequestId) -> Self {
        Self(*id.as_bytes())
    }
}

impl From<ChallengeId> for TraceId {
    fn from(id: ChallengeId) -> Self {
        Self(*id.as_bytes())
    }
}

/// A span within its trace. It follows from what the span is about, so that its children know it,
/// in whichever process they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanId(pub(crate) [u8; 8]);

impl SpanId {
    /// The request that ordered: the root of the trace.
    #[must_use]
    pub fn order(trace: TraceId) -> Self {
        Self::of(&trace.0, 0)
    }

    /// The attempt of this number to hand the order over.
    #[must_use]
    pub fn hand_over(trace: TraceId, attempt: u32) -> Self {
        Self::of(&trace.0, 1 + u64::from(attempt))
    }

    /// The joining of a tester.
    #[must_use]
    pub fn join(participation: ParticipationId) -> Self {
        Self::of(participation.as_bytes(), 0)
    }

    /// The verification of a tester.
    #[must_use]
    pub fn verification(participation: ParticipationId) -> Self {
        Self::of(participation.as_bytes(), 1)
    }

    /// The decision about a stamp.
    #[must_use]
    pub fn decision(participation: ParticipationId) -> Self {
        Self::of(participation.as_bytes(), 2)
    }

    /// The second half of a UUID is random, and is not zero.
    fn of(uuid: &[u8; 16], step: u64) -> Self {
        let id = u64::try_from(u128::from_be_bytes(*uuid) & u128::from(u64::MAX));
        Self((id.unwrap_or_default() ^ step).to_be_bytes())
    }
}

/// What a span is to others (OpenTelemetry's `SpanKind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Work within the program.
    Internal,
    /// An answer to a request from outside.
    Server,
    /// A request to another service.
    Client,
}

/// The span of the caller, from the header `traceparent` of W3C Trace Context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
}

impl Caller {
    /// Reads a `traceparent`. `None` if it is not valid.
    #[must_use]
    pub fn parse(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.trim().split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_known = version.len() == 2 && version != "ff" && flags.len() >= 2;
        // Version 00 has no further parts; later ones may.
        if !is_known || (version == "00" && parts.next().is_some()) || !is_lower_case(traceparent) {
            return None;
        }
        let (mut trace_id, mut span_id) = ([0; 16], [0; 8]);
        hex::decode_to_slice(trace, &mut trace_id).ok()?;
        hex::decode_to_slice(span, &mut span_id).ok()?;
        let is_valid = trace_id != [0; 16] && span_id != [0; 8];
        is_valid.then_some(Self { trace: TraceId(trace_id), span: SpanId(span_id) })
    }
}

fn is_lower_case(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// A span that has ended. Times are exact to the millisecond.
#[derive(Clone, Debug)]
pub struct Span {
    /// The order.
    pub trace: TraceId,
    /// The span.
    pub id: SpanId,
    /// What it is a part of; `None` for the root.
    pub parent: Option<SpanId>,
    /// Its name: one of few.
    pub name: &'static str,
    /// What it is to others.
    pub kind: Kind,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// What is said of it. Nothing secret, and nothing of a tester.
    pub attributes: Vec<(&'static str, String)>,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// The span of the caller, in a trace of their own.
    pub caller: Option<Caller>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_as_w3c_says() {
        let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let caller = Caller::parse(valid).unwrap();
        assert_eq!(hex::encode(caller.trace.0), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(hex::encode(caller.span.0), "00f067aa0ba902b7");
        assert!(
            Caller::parse(&valid.replacen("00-", "01-", 1).replace("-01", "-01-more")).is_some()
        );
        for wrong in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e47-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Caller::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn spans_of_one_thing_differ_and_are_never_zero() {
        let participation = ParticipationId::from_bytes([0x80; 16]);
        let ids = [
            SpanId::join(participation),
            SpanId::verification(participation),
            SpanId::decision(participation),
        ];
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
        let trace = TraceId::from(RequestId::from_bytes([0x80; 16]));
        assert_ne!(SpanId::order(trace), SpanId::hand_over(trace, 0));
        assert_ne!(SpanId::hand_over(trace, 1), SpanId::hand_over(trace, 2));
    }
}
