//! Recording the outcome of a verification, which the simulator or a signed event reports (§10).

pub(super) mod callback;
pub(super) mod event;
pub(super) mod keys;
pub(super) mod start;

use domain::participation::Status;
use domain::verification::{FailureReason, Outcome, Subject, SubjectHash};
use domain::{ParticipationId, ProviderId};
use http_support::error::ApiError;
use openid_connect::Failure;
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
    finish(service, id, outcome).await
}

/// Decides the participation by the outcome, in which the person is known by a hash only. `None` if
/// there is no such participation.
pub(crate) async fn finish(
    service: &ChallengeService,
    id: ParticipationId,
    outcome: Outcome<SubjectHash>,
) -> Result<Option<VerificationResult>, ApiError> {
    let now = service.clock_and_rng().now();
    let write = FinishVerification { id, outcome, now };
    let Some(decision) = service.store().finish_verification(write).await? else {
        return Ok(None);
    };
    if decision.is_new {
        let labels = [("outcome", decision.status.as_str())];
        service.parts.stamp_decisions.get_or_create(&labels).inc();
        if decision.status == Status::Claimed {
            service.notify_changed(decision.challenge_id);
        }
        service.trace_decision(id, (decision.status, outcome.failure_reason()), now).await;
    }
    Ok(Some(VerificationResult { id: id.to_string(), status: decision.status.into() }))
}

/// Logs why a verification failed. The detail holds nothing of a tester.
fn report_failure(provider: &ProviderId, failure: &Failure) {
    let Failure { reason, detail } = failure;
    let reason_name = reason.as_str();
    match reason {
        FailureReason::Misconfigured => tracing::error!(
            %provider, reason = reason_name, detail,
            "a provider and its verifier are not configured to work together"
        ),
        FailureReason::ProviderUnreachable | FailureReason::ProviderAnswerInvalid => {
            tracing::warn!(%provider, reason = reason_name, detail, "a verification failed");
        }
        _ => tracing::info!(%provider, reason = reason_name, detail, "a verification failed"),
    }
}
