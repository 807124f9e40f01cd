//! Whether a process is alive and ready (§13).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The process is alive (§13).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    pub status: String,
}

/// The process can do its work (§13).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Always `ready`; otherwise the answer is a 503.
    #[schema(example = "ready")]
    pub status: String,
}
