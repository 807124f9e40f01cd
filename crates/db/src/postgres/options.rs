use std::time::Duration;

use super::PostgresUrl;

/// How a PostgreSQL database is used (§13).
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Where it is.
    pub url: PostgresUrl,
    /// How many connections each of the two stores keeps for reading, at least 1. For writing each
    /// has two more, and the store of production tests one for being told of new ones.
    pub readers: usize,
    /// How long a read or a write may take, waiting for a connection included.
    pub timeout: Duration,
}

impl PostgresOptions {
    /// The usual number of [`PostgresOptions::readers`].
    pub const READERS: usize = 8;
    /// The usual [`PostgresOptions::timeout`]: callers are promised an answer within two seconds,
    /// whatever the database does (§3).
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_millis(1500);

    /// This database, used as usual.
    #[must_use]
    pub fn new(url: PostgresUrl) -> Self {
        Self { url, readers: Self::READERS, timeout: Self::DEFAULT_TIMEOUT }
    }
}
