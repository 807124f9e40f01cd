//! Why a command was not carried out, and how the shell and its user are told (§13).

use std::io::{self, Write};
use std::process::ExitCode;

use db::{OpenError, StoreError};
use server::StartError;

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
            StartError::Options(_)
            | StartError::Catalogue { .. }
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
            // It may have been the answer that was lost, and not the write.
            StoreError::Unavailable { .. } => Self::Other(format!(
                "{error}; if this was to change something, that may have been done: look with `list` before you try again"
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
    fn nobody_is_told_that_nothing_was_changed_where_that_is_not_known() {
        let lost = StoreError::Unavailable {
            reason: UnavailableReason::Slow,
            cause: "a write was not answered in time".into(),
        };
        let told = Failure::from(lost).to_string();
        assert!(
            told.contains("may have been done") && !told.contains("nothing was changed"),
            "{told}"
        );
    }
}
