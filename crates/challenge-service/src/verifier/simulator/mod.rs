//! The sandbox's stand-in for a provider of electronic identities: a page on which the tester plays
//! the person (§10).

pub(crate) mod page;
pub(crate) mod play;

use domain::ParticipationId;
use domain::participation::Participation;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use http_support::query::QueryParameters;

use crate::service::ChallengeService;
use crate::verifier::Verifier;

const NO_SUCH_VERIFICATION: &str =
    "There is no such verification. Follow the verificationUrl that joining has answered.";

/// The participation of this page. A wrong code and an unknown id have the same answer.
async fn find(
    service: &ChallengeService,
    path: &PathParameters,
    query: &mut QueryParameters,
) -> Result<Participation, ApiError> {
    let not_found = || ApiError::not_found(NO_SUCH_VERIFICATION);
    let id: ParticipationId = path.parse("participation_id", NO_SUCH_VERIFICATION)?;
    let code: String =
        query.take("code", "the code of the verificationUrl", |_| true).ok_or_else(not_found)?;
    if !service.parts.secrets.is_simulator_code(id, &code) {
        return Err(not_found());
    }
    let participation = service.store().participation(id).await?.ok_or_else(not_found)?;
    match service.parts.verifiers.get(&participation.provider_id) {
        Some(Verifier::Simulator) => Ok(participation),
        _ => Err(not_found()),
    }
}
