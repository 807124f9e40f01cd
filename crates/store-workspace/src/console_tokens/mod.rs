//! Tokens of the console (§14): sessions, links that sign in once, and links that show one test.
//! Each belongs to an API key and ends with it.

pub(crate) mod create;
pub(crate) mod read;
pub(crate) mod remove;

use std::time::Duration;

use domain::{ClientId, RequestId};

/// How long a link signs in: 60 seconds (§14).
pub const CONSOLE_LINK_VALIDITY: Duration = Duration::from_mins(1);

/// What a token of the console is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsoleTokenKind {
    /// Signs in once.
    Link,
    /// A browser that is signed in.
    Session,
    /// Shows one production test, and nothing else.
    Share {
        /// The app of the test.
        client_id: ClientId,
        /// The request of the test.
        request_id: RequestId,
    },
}

impl ConsoleTokenKind {
    /// The name in the database.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Session => "session",
            Self::Share { .. } => "share",
        }
    }

    fn test(&self) -> Option<(&ClientId, &RequestId)> {
        match self {
            Self::Link | Self::Session => None,
            Self::Share { client_id, request_id } => Some((client_id, request_id)),
        }
    }
}
