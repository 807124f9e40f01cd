//! The sandbox's stand-in for a provider of electronic identities: a page on which the tester plays the person (§10).

pub(in crate::tpas) mod page;
pub(in crate::tpas) mod play;

use domain::ParticipationId;
use domain::participation::Participation;

use crate::tpas::Tpas;
use crate::web::error::ApiError;
use crate::web::path::PathParameters;
use crate::web::query::QueryMembers;

const NO_SUCH_VERIFICATION: &str =
    "There is no such verification. Follow the verificationUrl that joining has answered.";

/// The participation whose page this is. A code that does not fit and an id that nobody has are answered alike.
async fn find(tpas: &Tpas, path: &PathParameters, query: &mut QueryMembers) -> Result<Participation, ApiError> {
    let not_found = || ApiError::not_found(NO_SUCH_VERIFICATION);
    let id: ParticipationId = path.parse("participation_id", NO_SUCH_VERIFICATION)?;
    let code: String = query.take("code", "the code of the verificationUrl", |_| true).ok_or_else(not_found)?;
    if !tpas.parts.secrets.opens_simulator(id, &code) {
        return Err(not_found());
    }
    tpas.store().participation(id).await?.ok_or_else(not_found)
}
