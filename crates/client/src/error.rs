//! Why a call failed.

use std::time::Duration;

use wire::error::{ErrorCode, ErrorEnvelope};

/// Why a call failed. No variant contains a secret or a URL, so an error can be logged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// fieldtest responded with an error.
    #[error("{status} {}: {}", error.error.code, error.error.message)]
    ErrorResponse {
        /// The HTTP status.
        status: u16,
        /// The error envelope (§3).
        error: Box<ErrorEnvelope>,
        /// The `Retry-After` of the response.
        retry_after: Option<Duration>,
    },
    /// The response is not in fieldtest's format. A proxy or another service may have sent it.
    #[error("the response with status {status} is not one that fieldtest gives")]
    UnexpectedResponse {
        /// The HTTP status.
        status: u16,
        /// The `Retry-After` of the response.
        retry_after: Option<Duration>,
    },
    /// There was no response, or it was incomplete. Whether the request took effect is unknown.
    #[error("no response: {0}")]
    NoResponse(String),
}

impl ClientError {
    /// The HTTP status; `None` without a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::ErrorResponse { status, .. } | Self::UnexpectedResponse { status, .. } => {
                Some(*status)
            }
            Self::NoResponse(_) => None,
        }
    }

    /// fieldtest's error code; `None` if fieldtest did not respond.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::ErrorResponse { error, .. } => Some(error.error.code),
            Self::UnexpectedResponse { .. } | Self::NoResponse(_) => None,
        }
    }

    /// The id of the request, for support requests; `None` if fieldtest did not respond.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::ErrorResponse { error, .. } => Some(&error.request_id),
            Self::UnexpectedResponse { .. } | Self::NoResponse(_) => None,
        }
    }

    /// The delay that the server requested with `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::ErrorResponse { retry_after, .. }
            | Self::UnexpectedResponse { retry_after, .. } => *retry_after,
            Self::NoResponse(_) => None,
        }
    }

    /// Whether the same request may succeed later: there was no response, its status is 5xx, 408 or
    /// 429, or another request with the same idempotency key is in progress.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        let is_transient = |status| status >= 500 || matches!(status, 408 | 429);
        self.status().is_none_or(is_transient)
            || self.code() == Some(ErrorCode::IdempotencyRequestInProgress)
    }
}
