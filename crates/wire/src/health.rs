//! Liveness and readiness (§13).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The response of the liveness check (§13).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    pub status: String,
}

/// The response of the readiness check when the process can serve requests (§13).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Always `ready`. A process that is not ready responds with 503.
    #[schema(example = "ready")]
    pub status: String,
    /// What an operator has to mend although the process serves. Omitted if there is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}
