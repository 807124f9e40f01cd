//! What kind of deployment this is (§1).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A deployment's kind: a place to try things with simulated persons, or the real one (§1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Simulated persons; real electronic identities are not accepted.
    Sandbox,
    /// Real persons with real credentials.
    Production,
}

impl Environment {
    /// The name used in options and files.
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

/// Neither `sandbox` nor `production`.
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
