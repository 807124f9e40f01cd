//! How a verification ended, from whichever verifier, and what becomes of the participation (§10).

pub(super) mod event;

use domain::ParticipationId;
use domain::participation::Status;
use store::tpas::{DecideParticipation, Verdict};
use wire::verification::{Outcome, VerificationResult};

use super::Tpas;
use crate::telemetry::OutcomeLabels;
use crate::web::error::ApiError;

/// Decides what becomes of the participation; `None` when there is no such participation.
pub(super) async fn decide(
    tpas: &Tpas,
    id: ParticipationId,
    outcome: Outcome,
) -> Result<Option<VerificationResult>, ApiError> {
    let Some(participation) = tpas.store().participation(id).await? else { return Ok(None) };
    let verdict = match outcome {
        Outcome::Completed { subject } => {
            let (challenge, provider) = (participation.challenge_id, &participation.provider_id);
            Verdict::Completed { subject_hash: tpas.parts.secrets.subject_hash(challenge, provider, &subject) }
        }
        Outcome::Failed => Verdict::Failed,
    };
    let unit = DecideParticipation { id, verdict, now: tpas.world().now() };
    let Some(decision) = tpas.store().decide_participation(unit).await? else { return Ok(None) };
    if decision.is_new {
        let labels = OutcomeLabels { outcome: decision.status.as_str() };
        tpas.parts.telemetry.stamp_decisions.get_or_create(&labels).inc();
    }
    if decision.is_new && decision.status == Status::Claimed {
        tpas.has_changed(decision.challenge_id);
    }
    Ok(Some(VerificationResult { id: id.to_string(), status: decision.status.into() }))
}
