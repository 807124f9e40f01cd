//! Why the challenge service did not do what it was asked.

use std::time::Duration;

use client::ClientError;
use db::StoreError;
use wire::error::ErrorCode;

/// The longest reason that is stored, in characters. A service elsewhere decides what it answers,
/// but not how much space that takes.
const LONGEST_REASON: usize = 300;

/// Why the challenge service did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeServiceError {
    /// It refuses the request, in the error envelope of §3: a retry would be refused as well.
    #[error("{0}")]
    Refused(String),
    /// It has no such challenge, as it says in the error envelope.
    #[error("{0}")]
    NotFound(String),
    /// It did not answer, failed, or asked for time; or whatever answered is not the challenge
    /// service, or does not know this caller. A retry may succeed.
    #[error("{reason}")]
    Unavailable {
        /// What happened, for the log and for the engineer who ordered the test.
        reason: String,
        /// The `Retry-After` of its answer.
        retry_after: Option<Duration>,
        /// Whether an operator has to mend something first: a URL, a token, a proxy.
        needs_operator: bool,
    },
}

impl ChallengeServiceError {
    pub(super) fn unavailable(reason: impl std::fmt::Display) -> Self {
        Self::Unavailable { reason: reason.to_string(), retry_after: None, needs_operator: false }
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
    /// Only the challenge service can refuse for good, and only with a status that judges the
    /// request (§9). No answer, 5xx, 408 and 429 are its own difficulties. Anything else comes from
    /// a wrong URL or token, a proxy or another service.
    fn from(error: ClientError) -> Self {
        let (status, retry_after) = match &error {
            ClientError::ErrorResponse { status, retry_after, .. }
            | ClientError::UnexpectedResponse { status, retry_after } => (*status, *retry_after),
            ClientError::NoResponse(_) => return Self::unavailable(error),
        };
        // PostgreSQL cannot store U+0000.
        let reason = truncated(&error.to_string().replace('\0', "\u{fffd}"));
        match (error.code(), status) {
            (Some(_), 400 | 409 | 413 | 422) => Self::Refused(reason),
            (Some(ErrorCode::ResourceNotFound), 404) if !is_unknown_path(&error) => {
                Self::NotFound(reason)
            }
            _ => {
                let needs_operator = status < 500 && !matches!(status, 408 | 429);
                Self::Unavailable { reason, retry_after, needs_operator }
            }
        }
    }
}

/// Whether a fieldtest that is no challenge service has answered: it knows no such path, which says nothing
/// about a challenge.
fn is_unknown_path(error: &ClientError) -> bool {
    let ClientError::ErrorResponse { error, .. } = error else { return false };
    let reason = error.error.details.as_ref().and_then(|details| details.get("reason"));
    reason.is_some_and(|reason| reason == "unknown_path")
}

fn truncated(reason: &str) -> String {
    match reason.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{}…", reason.get(..end).unwrap_or_default()),
        None => reason.to_owned(),
    }
}
