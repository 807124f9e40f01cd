//! The part of an order's trace that testers cause (§13). Nothing in it says who they are.

use domain::participation::{Participation, Status};
use domain::verification::FailureReason;
use domain::{ParticipationId, Timestamp};
use traces::{Kind, Span, SpanId, TraceId};

use crate::service::ChallengeService;

impl ChallengeService {
    /// Records that a tester has joined.
    pub(crate) fn trace_join(&self, participation: &Participation) {
        let Participation { id, challenge_id, joined_at, .. } = participation;
        self.parts.traces.record(|| {
            let trace = TraceId::from(*challenge_id);
            Span {
                trace,
                id: SpanId::join(*id),
                parent: Some(SpanId::order(trace)),
                name: "join",
                kind: Kind::Server,
                start: *joined_at,
                end: self.clock_and_rng().now(),
                attributes: about(participation),
                error: None,
                caller: None,
            }
        });
    }

    /// Records how a verification ended, and what was decided. The decision stands whether or not
    /// the participation can be read for it: a trace never fails what it follows.
    pub(crate) async fn trace_decision(
        &self,
        id: ParticipationId,
        (status, reason): (Status, Option<FailureReason>),
        reported_at: Timestamp,
    ) {
        if !self.parts.traces.is_on() {
            return;
        }
        let Ok(Some(participation)) = self.store().participation(id).await else { return };
        let Participation { id, challenge_id, joined_at, verification_started_at, .. } =
            &participation;
        let trace = TraceId::from(*challenge_id);
        let span = |name, id, parent, start, end| Span {
            trace,
            id,
            parent: Some(parent),
            name,
            kind: Kind::Internal,
            start,
            end,
            attributes: about(&participation),
            error: None,
            caller: None,
        };
        self.parts.traces.record(|| {
            let (id, join) = (SpanId::verification(*id), SpanId::join(*id));
            let start = verification_started_at.unwrap_or(*joined_at);
            let verification = span("verification", id, join, start, reported_at);
            Span { error: reason.map(|reason| reason.as_str().to_owned()), ..verification }
        });
        self.parts.traces.record(|| {
            let name = if status == Status::Claimed { "stamp" } else { "no stamp" };
            let (id, parent) = (SpanId::decision(*id), SpanId::verification(*id));
            let mut decision = span(name, id, parent, reported_at, self.clock_and_rng().now());
            decision.attributes.push(("fieldtest.outcome", status.as_str().to_owned()));
            decision
        });
    }
}

fn about(participation: &Participation) -> Vec<(&'static str, String)> {
    vec![
        ("fieldtest.provider", participation.provider_id.to_string()),
        ("fieldtest.platform", participation.platform.as_str().to_owned()),
    ]
}
