//! The tables. Two stores that know nothing of each other: [`connect`] (workspaces, keys, apps, production tests) and
//! [`tpas`] (challenges, participations, stamp claims).
//!
//! A write is a value, such as [`connect::CreateChallengeRequest`], and happens whole or not at all. The engine takes
//! many of them at once, decides each by itself, makes all of them durable with one sync, and only then answers. A read
//! sees what was committed when it began.

pub mod connect;
mod error;
mod idempotency;
mod sqlite;
pub mod tpas;

pub use error::{OpenError, StoreError};
pub use idempotency::Idempotency;
pub use sqlite::WriterMetrics;
