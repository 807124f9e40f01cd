//! The environment of a deployment (§1).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The environment of a deployment (§1). It is set once and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Persons are simulated, and real electronic identities are not accepted.
    Sandbox,
    /// Real persons with real electronic identities.
    Production,
}

impl Environment {
    /// The name in options and files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The text is neither `sandbox` nor `production`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be sandbox or production")]
pub struct UnknownEnvironment;

impl FromStr for Environment {
    type Err = UnknownEnvironment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "sandbox" => Ok(Self::Sandbox),
            "production" => Ok(Self::Production),
            _ => Err(UnknownEnvironment),
        }
    }
}
