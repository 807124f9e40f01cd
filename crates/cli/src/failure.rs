//! Why a command was not carried out, and how the shell and its user are told (§13).

use std::io::{self, Write};
use std::process::ExitCode;

use server::StartError;
use store::{OpenError, StoreError};

/// Why a command was not carried out: a sentence that also says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What was given makes no sense, whatever the state of things.
    #[error("{0}")]
    Input(String),
    /// What was given makes sense, but could not be done.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// Tells the user, and the shell by the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        // Where standard error is gone too, the exit code is all that is left.
        let _ = writeln!(io::stderr(), "error: {self}");
        match self {
            Self::Input(_) => ExitCode::from(2),
            Self::Other(_) => ExitCode::FAILURE,
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Options(_) | StartError::Catalogue { .. } | StartError::Peer { .. } => {
                Self::Input(error.to_string())
            }
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } | StoreError::Overloaded => {
                Self::Other(format!("{error}; nothing was changed, so try again"))
            }
            StoreError::Closed | StoreError::Internal(_) => Self::Other(error.to_string()),
        }
    }
}

impl From<domain::NoRandomness> for Failure {
    fn from(error: domain::NoRandomness) -> Self {
        Self::Other(error.to_string())
    }
}
