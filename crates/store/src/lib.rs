//! The tables. Two stores that know nothing of each other: [`connect`] (workspaces, keys, apps, production tests) and
//! [`tpas`] (challenges, participations, stamp claims). Two engines, SQLite and PostgreSQL, with the same tables.
//!
//! A write is a value, such as [`connect::CreateChallengeRequest`], and happens whole or not at all. The engine takes
//! many of them at once, decides each by itself, makes all of them durable with one sync, and only then answers. A read
//! is one query, and sees what was committed when it began.

pub mod connect;
mod copy;
mod database;
mod error;
mod facts;
mod group;
mod idempotency;
mod inspection;
mod location;
mod metrics;
mod postgres;
mod queue;
mod row;
mod sql;
mod sqlite;
pub mod tpas;
mod unit;
mod value;
mod wake;

pub use copy::{Copied, CopyError, TableCount, copy_connect, copy_tpas};
pub use database::Database;
pub use error::{Obstacle, OpenError, StoreError};
pub use facts::AgreeOnFact;
pub use idempotency::Idempotency;
pub use inspection::{
    Applied, ClockReading, Inspection, Problem, Tables, TablesState, Trouble, inspect_connect, inspect_tpas,
};
pub use location::Location;
pub use metrics::WriterMetrics;
pub use postgres::{MalformedPostgresUrl, PostgresOptions, PostgresUrl};
pub use wake::{Call, Turn, Wake};
