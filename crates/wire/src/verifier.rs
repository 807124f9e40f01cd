//! Verifiers: who verifies the testers of each provider, and how it goes (§10, §11).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Moment;
use crate::verification::FailureReason;

/// Who verifies the testers of a provider, and how it goes (§11). Nothing in it is of a tester. Times
/// are those that any server of the deployment saw last, exact to a few seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verifier {
    /// The provider's id.
    #[schema(example = "bankidse")]
    pub provider_id: String,
    /// What verifies.
    pub kind: VerifierKind,
    /// When the provider's discovery document was last read; null for other kinds than `oidc`.
    pub discovered_at: Option<Moment>,
    /// When a person was last sent back, verified or not.
    pub returned_at: Option<Moment>,
    /// When a person was last verified.
    pub succeeded_at: Option<Moment>,
    /// When a verification last failed for a reason that is not the tester's.
    pub failed_at: Option<Moment>,
    /// That reason: `provider_unreachable`, `provider_answer_invalid` or `misconfigured`.
    pub failure_reason: Option<FailureReason>,
}

/// What verifies the testers of a provider. The simulator has no health: its times are null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum VerifierKind {
    /// The sandbox's simulator.
    Simulator,
    /// An OpenID Connect provider.
    Oidc,
    /// The relying party's own login.
    External,
}
