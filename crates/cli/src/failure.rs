//! Why a command failed, its message and its exit code (§13).

use std::io::{self, Write};
use std::process::ExitCode;

use db::{OpenError, StoreError};
use server::StartError;

/// Why a command failed. The message also says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The arguments, the environment or a file are not valid: exit code 2.
    #[error("{0}")]
    Input(String),
    /// The command is valid and could not be done: exit code 1.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// Prints the error, and returns the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        // If standard error is closed, the exit code still tells.
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
            StartError::Options(_)
            | StartError::Catalogue { .. }
            | StartError::Verifiers { .. }
            | StartError::ServerTls(_)
            | StartError::ChallengeServiceUrl { .. } => Self::Input(error.to_string()),
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
            StoreError::Overloaded => {
                Self::Other(format!("{error}; nothing was changed, so try again"))
            }
            // The write may be committed although its result was lost.
            StoreError::Unavailable { .. } => Self::Other(format!(
                "{error}; a change may have been made: check with `list` before you try again"
            )),
            StoreError::Closed | StoreError::Internal(_) => Self::Other(error.to_string()),
        }
    }
}

impl From<domain::NoRandomness> for Failure {
    fn from(error: domain::NoRandomness) -> Self {
        Self::Other(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use db::UnavailableReason;

    #[test]
    fn a_lost_result_may_have_changed_something() {
        let lost = StoreError::Unavailable {
            reason: UnavailableReason::Slow,
            cause: "a write was not answered in time".into(),
        };
        let message = Failure::from(lost).to_string();
        assert!(
            message.contains("may have been made") && !message.contains("nothing was changed"),
            "{message}"
        );
    }
}
