//! The options of a PostgreSQL database.

use std::time::Duration;

use super::PostgresUrl;

/// A PostgreSQL database, and how to use it (§13).
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// The database.
    pub url: PostgresUrl,
    /// The number of connections of each store for reads, at least 1. Each store has two more for
    /// writes, and the workspace store one for notifications.
    pub readers: usize,
    /// The time limit of a read or a write, with the wait for a connection.
    pub timeout: Duration,
}

impl PostgresOptions {
    /// The default of [`PostgresOptions::readers`].
    pub const READERS: usize = 8;
    /// The default of [`PostgresOptions::timeout`]. The API answers within two seconds, whatever
    /// the database does (§3).
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_millis(1500);

    /// This database with the default options.
    #[must_use]
    pub fn new(url: PostgresUrl) -> Self {
        Self { url, readers: Self::READERS, timeout: Self::DEFAULT_TIMEOUT }
    }
}
