//! Verifiers (§10). A verifier shows the tester its own page and reports the outcome to
//! [`super::verification`].

pub(super) mod simulator;

use domain::{Environment, ParticipationId};
use http_support::error::ApiError;

use crate::secrets::Secrets;

/// The verifier of this deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verifier {
    /// The sandbox's simulator, where the tester plays the person.
    Simulator,
    /// None: a production deployment accepts outcomes as signed events, but has no page to send
    /// testers to.
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

    /// Checks that testers can be verified here.
    ///
    /// # Errors
    /// 503 when there is no verifier.
    pub(super) fn check(self) -> Result<(), ApiError> {
        match self {
            Self::Simulator => Ok(()),
            Self::None => {
                Err(ApiError::not_offered("Testers cannot be verified in this deployment yet."))
            }
        }
    }

    /// The page where this tester is verified. Both the id and the code need no percent-encoding.
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
