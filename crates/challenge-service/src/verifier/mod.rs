//! Verifiers (§10): who verifies the testers of a provider. A verifier reports the outcome to
//! [`super::verification`].

mod file;
pub(super) mod health;
pub(super) mod list;
pub(super) mod simulator;

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::participation::Participation;
use domain::{ClockAndRng, Environment, ProviderId};
use http_support::error::ApiError;
use openid_connect::RelyingParty;

pub use self::file::VerifiersError;
use crate::secrets::Secrets;

/// The path of the one redirect URI of a deployment.
pub const CALLBACK_PATH: &str = "/tpas/v1/verifications/callback";

/// Who verifies the testers of one provider.
#[derive(Clone)]
pub enum Verifier {
    /// The sandbox's simulator, where the tester plays the person.
    Simulator,
    /// An OpenID Connect provider.
    OpenIdConnect(Arc<RelyingParty>),
    /// The relying party's own login at this URL, which reports the outcome by a signed event.
    External(String),
}

/// The verifiers of a deployment. Clones share them.
#[derive(Clone)]
pub struct Verifiers {
    configured: Arc<BTreeMap<ProviderId, Verifier>>,
    /// Whether every other provider has the simulator.
    has_simulator: bool,
}

/// What verifiers are made for.
pub struct VerifierContext<'a> {
    /// Sandbox or production.
    pub environment: Environment,
    /// The providers that a file may name.
    pub catalogue: &'a Catalogue,
    /// The URL at which testers reach this deployment.
    pub public_url: Option<&'a str>,
    /// Time and randomness.
    pub clock_and_rng: &'a ClockAndRng,
}

impl Verifiers {
    /// The verifiers without a file: the simulator in a sandbox, none in production.
    #[must_use]
    pub fn of(environment: Environment) -> Self {
        Self { configured: Arc::default(), has_simulator: environment == Environment::Sandbox }
    }

    /// The verifiers of a file (§13).
    ///
    /// # Errors
    /// When the file is not valid. The error names the line, and no secret.
    pub fn parse(text: &str, context: &VerifierContext<'_>) -> Result<Self, VerifiersError> {
        let configured = Arc::new(file::parse(text, context)?);
        Ok(Self { configured, ..Self::of(context.environment) })
    }

    /// Who verifies the testers of this provider, if anybody can.
    #[must_use]
    pub fn get(&self, provider: &ProviderId) -> Option<&Verifier> {
        let simulator = self.has_simulator.then_some(&Verifier::Simulator);
        self.configured.get(provider).or(simulator)
    }

    /// The configured verifiers, by provider.
    pub fn configured(&self) -> impl Iterator<Item = (&ProviderId, &Verifier)> {
        self.configured.iter()
    }

    /// Checks that testers of this provider can be verified here.
    ///
    /// # Errors
    /// 503 when there is no verifier.
    pub(crate) fn check(&self, provider: &ProviderId) -> Result<(), ApiError> {
        let not_offered = "Testers of this provider cannot be verified in this deployment yet.";
        self.get(provider).map(drop).ok_or_else(|| ApiError::not_offered(not_offered))
    }

    /// The page where this tester is verified. Both the id and the code need no percent-encoding.
    pub(crate) fn verification_url(
        &self,
        secrets: &Secrets,
        participation: &Participation,
        origin: &str,
    ) -> String {
        let id = participation.id;
        match self.get(&participation.provider_id) {
            Some(Verifier::Simulator) => {
                format!("{origin}/tpas/v1/simulator/{id}?code={}", secrets.simulator_code(id))
            }
            Some(Verifier::OpenIdConnect(_) | Verifier::External(_)) => {
                let code = secrets.verification_code(id);
                format!("{origin}/tpas/v1/verifications/{id}/start?code={code}")
            }
            None => String::new(),
        }
    }
}
