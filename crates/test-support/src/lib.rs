//! What tests, measurements and `cargo xtask` start: a PostgreSQL [`Cluster`], and the real program
//! as a [`Server`].
//!
//! Each has its own temporary folder and a free port, and is stopped when it is dropped. Only a
//! process that is killed with SIGKILL leaves them running.
//!
//! The cluster runs the programs of Debian's package `postgresql`, or else those on the `PATH`.
//! Tests never talk to a PostgreSQL server that runs on the machine for other reasons.

mod certificates;
mod child;
mod cluster;
mod installation;
mod own_certificate;
mod pooler;
mod server;

pub use rustix::process::{Pid, Signal, kill_process};

pub use child::ChildGuard;
pub use cluster::{Cluster, Durability, Stop};
pub use installation::postgres_is_installed;
pub use own_certificate::OwnCertificate;
pub use pooler::{PoolMode, Pooler};
pub use server::{Exit, Server, ServerCommand, ServerError};

/// Why there is no PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A program cannot be found.
    #[error(
        "{0} cannot be found; install PostgreSQL (on Debian the package postgresql), openssl and \
         pgbouncer"
    )]
    Missing(&'static str),
    /// A program ended with an error.
    #[error("{program} failed: {output}")]
    Failed {
        /// The program's name.
        program: String,
        /// Its exit status and its output.
        output: String,
    },
    /// The operating system refused an operation.
    #[error("{what}: {source}")]
    System {
        /// The operation.
        what: String,
        /// The reason.
        source: std::io::Error,
    },
}

impl ClusterError {
    fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what: what.into(), source }
    }
}
