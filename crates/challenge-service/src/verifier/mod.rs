//! Who verifies testers (§10). A verifier sends the tester to a page of its own, and later reports
//! the outcome to [`super::verification`]; how it finds out is its own affair.

pub(super) mod simulator;

use domain::{Environment, ParticipationId};
use http_support::error::ApiError;

use super::Secrets;

/// The verifier of this deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verifier {
    /// Plays the person: in a sandbox.
    Simulator,
    /// None yet: a production deployment takes outcomes from outside, as signed events, but cannot
    /// send testers anywhere.
    None,
}

impl Verifier {
    /// The verifier of this kind of deployment.
    #[must_use]
    pub fn of(environment: Environment) -> Self {
        match environment {
            Environment::Sandbox => Self::Simulator,
            Environment::Production => Self::None,
        }
    }

    /// Whether testers can be verified here at all.
    ///
    /// # Errors
    /// When there is no verifier.
    pub(super) fn check(self) -> Result<(), ApiError> {
        match self {
            Self::Simulator => Ok(()),
            Self::None => {
                Err(ApiError::not_offered("Testers cannot be verified in this deployment yet."))
            }
        }
    }

    /// Where this tester goes to be verified.
    pub(super) fn verification_url(
        self,
        secrets: &Secrets,
        id: ParticipationId,
        origin: &str,
    ) -> String {
        match self {
            Self::Simulator => {
                format!("{origin}/tpas/v1/simulator/{id}?code={}", secrets.simulator_code(id))
            }
            Self::None => String::new(),
        }
    }
}
