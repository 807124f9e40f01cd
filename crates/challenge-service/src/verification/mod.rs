//! How a verification ended, from whichever verifier, and what becomes of the participation (§10).

pub(super) mod event;

use domain::ParticipationId;
use domain::participation::Status;
use http_support::error::ApiError;
use store_challenge::{FinishVerification, Verdict};
use wire::verification::{Outcome, VerificationResult};

use super::ChallengeService;

/// Decides what becomes of the participation; `None` when there is no such participation.
pub(super) async fn record_outcome(
    service: &ChallengeService,
    id: ParticipationId,
    outcome: Outcome,
) -> Result<Option<VerificationResult>, ApiError> {
    let Some(participation) = service.store().participation(id).await? else { return Ok(None) };
    let verdict = match outcome {
        Outcome::Completed { subject } => {
            let (challenge, provider) = (participation.challenge_id, &participation.provider_id);
            Verdict::Completed {
                subject_hash: service.parts.secrets.subject_hash(challenge, provider, &subject),
            }
        }
        Outcome::Failed => Verdict::Failed,
    };
    let write = FinishVerification { id, verdict, now: service.clock_and_rng().now() };
    let Some(decision) = service.store().finish_verification(write).await? else {
        return Ok(None);
    };
    if decision.is_new {
        let labels = [("outcome", decision.status.as_str())];
        service.parts.stamp_decisions.get_or_create(&labels).inc();
    }
    if decision.is_new && decision.status == Status::Claimed {
        service.has_changed(decision.challenge_id);
    }
    Ok(Some(VerificationResult { id: id.to_string(), status: decision.status.into() }))
}
