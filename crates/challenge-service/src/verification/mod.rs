//! Recording the outcome of a verification, which the simulator or a signed event reports (§10).

pub(super) mod event;

use domain::ParticipationId;
use domain::participation::Status;
use domain::verification::{Outcome, Subject};
use http_support::error::ApiError;
use store_challenge::FinishVerification;
use wire::verification::VerificationResult;

use crate::service::ChallengeService;

/// Records the outcome and decides the participation. `None` if there is no such participation.
pub(super) async fn record_outcome(
    service: &ChallengeService,
    id: ParticipationId,
    outcome: Outcome<Subject>,
) -> Result<Option<VerificationResult>, ApiError> {
    let Some(participation) = service.store().participation(id).await? else { return Ok(None) };
    let (challenge, provider) = (participation.challenge_id, &participation.provider_id);
    let outcome =
        outcome.map(|subject| service.parts.secrets.subject_hash(challenge, provider, &subject));
    let write = FinishVerification { id, outcome, now: service.clock_and_rng().now() };
    let Some(decision) = service.store().finish_verification(write).await? else {
        return Ok(None);
    };
    if decision.is_new {
        let labels = [("outcome", decision.status.as_str())];
        service.parts.stamp_decisions.get_or_create(&labels).inc();
    }
    if decision.is_new && decision.status == Status::Claimed {
        service.notify_changed(decision.challenge_id);
    }
    Ok(Some(VerificationResult { id: id.to_string(), status: decision.status.into() }))
}
