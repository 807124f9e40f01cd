use std::time::Duration;

use wire::error::{ErrorCode, ErrorEnvelope};

/// Why a call did not succeed. None of the variants repeats a secret or a URL.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// The server refused, and said why.
    #[error("{status} {}: {}", error.error.code, error.error.message)]
    Answer {
        /// The HTTP status.
        status: u16,
        /// What the server said (§3).
        error: Box<ErrorEnvelope>,
        /// How long the server asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// Something answered, but not as fieldtest does: a proxy, perhaps, or another service.
    #[error("the answer, with status {status}, is not one that fieldtest gives")]
    UnexpectedAnswer {
        /// The HTTP status.
        status: u16,
        /// How long the server asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// There was no answer, or not all of it. Whether the request took effect is not known.
    #[error("there was no answer: {0}")]
    NoAnswer(String),
}

impl ClientError {
    /// The HTTP status, if there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answer { status, .. } | Self::UnexpectedAnswer { status, .. } => Some(*status),
            Self::NoAnswer(_) => None,
        }
    }

    /// What went wrong, if the server said so.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Answer { error, .. } => Some(error.error.code),
            Self::UnexpectedAnswer { .. } | Self::NoAnswer(_) => None,
        }
    }

    /// The request's id, to be named when asking for help; only the server's own errors have one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Answer { error, .. } => Some(&error.request_id),
            Self::UnexpectedAnswer { .. } | Self::NoAnswer(_) => None,
        }
    }

    /// How long the server asked to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answer { retry_after, .. } | Self::UnexpectedAnswer { retry_after, .. } => {
                *retry_after
            }
            Self::NoAnswer(_) => None,
        }
    }

    /// Whether the same request may succeed a little later: no answer, 5xx, 408 or 429, or the
    /// first request with this idempotency key is still being worked on.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        let may_pass = |status| status >= 500 || matches!(status, 408 | 429);
        self.status().is_none_or(may_pass)
            || self.code() == Some(ErrorCode::IdempotencyRequestInProgress)
    }
}
