//! Why the challenge service did not do what it was asked.

use std::time::Duration;

use client::ClientError;
use db::StoreError;

/// The longest reason that is stored, in characters. A service elsewhere decides what it answers,
/// but not how much space that takes.
const LONGEST_REASON: usize = 300;

/// Why the challenge service did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeServiceError {
    /// It refuses the request: a retry would be refused as well.
    #[error("{0}")]
    Refused(String),
    /// It has no such challenge.
    #[error("{0}")]
    NotFound(String),
    /// It did not answer, failed, or asked for time: a retry may succeed.
    #[error("{reason}")]
    Unavailable {
        /// What happened, for the log and for the engineer who ordered the test.
        reason: String,
        /// The `Retry-After` of its answer.
        retry_after: Option<Duration>,
    },
}

impl ChallengeServiceError {
    pub(super) fn unavailable(reason: impl std::fmt::Display) -> Self {
        Self::Unavailable { reason: reason.to_string(), retry_after: None }
    }

    pub(super) fn not_found() -> Self {
        Self::NotFound("The challenge service does not know this challenge.".into())
    }

    /// An error of the database in this process. The cause is logged, because the reason is read by
    /// the engineer who ordered the test.
    pub(super) fn database(error: &StoreError) -> Self {
        tracing::warn!(%error, "the challenge service's database failed");
        Self::unavailable("the challenge service's database is not available")
    }
}

impl From<ClientError> for ChallengeServiceError {
    /// No answer, 5xx, 408 and 429 are temporary; any other 4xx is a refusal (§9).
    fn from(error: ClientError) -> Self {
        let (status, retry_after) = match &error {
            ClientError::ErrorResponse { status, retry_after, .. }
            | ClientError::UnexpectedResponse { status, retry_after } => (*status, *retry_after),
            ClientError::NoResponse(_) => return Self::unavailable(error),
        };
        let is_refusal = (400..500).contains(&status) && !matches!(status, 408 | 429);
        // PostgreSQL cannot store U+0000.
        let reason = truncated(&error.to_string().replace('\0', "\u{fffd}"));
        match status {
            404 => Self::NotFound(reason),
            _ if is_refusal => Self::Refused(reason),
            _ => Self::Unavailable { reason, retry_after },
        }
    }
}

fn truncated(reason: &str) -> String {
    match reason.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{}…", reason.get(..end).unwrap_or_default()),
        None => reason.to_owned(),
    }
}
