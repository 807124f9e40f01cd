//! Paths that many operations share, in the OpenAPI document.

#[cfg(feature = "openapi")]
use http_support::documentation::{Responses, errors};
use utoipa::IntoParams;
#[cfg(feature = "openapi")]
use utoipa::IntoResponses;

/// The path of a challenge.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only the document reads it")]
pub(crate) struct ChallengePath {
    /// The challenge's id
    #[param(example = "ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a")]
    id: String,
}

#[cfg(feature = "openapi")]
impl IntoResponses for ChallengePath {
    fn responses() -> Responses {
        errors([(404, "There is no such challenge")])
    }
}

/// The path of the simulator's page.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only the document reads it")]
pub(crate) struct SimulatorPath {
    /// The participation's id
    #[param(example = "par_019d6c8b-7b2a-7c44-9b2e-5d1f0a3c4e6b")]
    participation_id: String,
}

#[cfg(feature = "openapi")]
impl IntoResponses for SimulatorPath {
    fn responses() -> Responses {
        errors([(404, "There is no such verification")])
    }
}
