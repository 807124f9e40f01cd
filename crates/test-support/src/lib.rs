//! A PostgreSQL of the tests' own: made in a temporary folder, on a free port, gone when it is
//! dropped.
//!
//! Tests never talk to a server that happens to run. This one is made with the programs of Debian's
//! package `postgresql`, or whatever others are on the `PATH`. Only a process that is killed
//! outright leaves its server behind.

mod certificates;
mod cluster;
mod programs;

pub use cluster::{Cluster, Durability, Stop};
pub use programs::are_installed;

/// Why there is no PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A program that is needed cannot be found.
    #[error(
        "{0} cannot be found; install PostgreSQL (on Debian the package postgresql) and openssl"
    )]
    Missing(&'static str),
    /// A program ended with an error.
    #[error("{program} failed: {output}")]
    Failed {
        /// Which.
        program: String,
        /// What it said.
        output: String,
    },
    /// The operating system refused something.
    #[error("{what}: {source}")]
    System {
        /// What was to be done.
        what: String,
        /// What it said.
        source: std::io::Error,
    },
}

impl ClusterError {
    fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what: what.into(), source }
    }
}
