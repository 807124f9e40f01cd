use std::time::Duration;

use wire::error::ErrorEnvelope;

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
