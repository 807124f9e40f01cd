//! The engines, and no table of a store's: batched writes, queries, migrations, inspection and copy
//! on SQLite and PostgreSQL.
//!
//! A write is a value that implements [`Write`], and happens whole or not at all. The engine takes
//! many of them at once, applies each, makes all of them durable with one sync, and only then
//! answers. A read is one query, and sees what was committed when it began. `ARCHITECTURE.md` has
//! the rest.

mod batch;
mod copy;
mod database;
mod deployment_settings;
mod error;
mod idempotency;
mod inspection;
mod location;
mod metrics;
mod notify;
mod postgres;
mod queue;
mod row;
mod sql;
mod sqlite;
mod value;
mod write;

pub use copy::{Copied, CopyError, TableCount, copy};
pub use database::{AdvisoryLock, Database};
pub use deployment_settings::RecordDeploymentSetting;
pub use error::{OpenError, StoreError, UnavailableReason};
pub use idempotency::{
    AppendedRecords, ClaimRow, Earlier, Idempotency, IdempotencyRecords, KeyClaim, Lookup,
    ScopedKey,
};
pub use inspection::{
    Applied, ClockReading, ErrorKind, Inspection, Problem, Tables, TablesState, inspect,
};
pub use location::{Location, Migration, Schema};
pub use metrics::WriterMetrics;
pub use notify::Channel;
pub use postgres::{MalformedPostgresUrl, PostgresOptions, PostgresUrl};
pub use row::{Read, Row, provider_ids_json};
pub use sql::{Column, Kind, Sql, joined};
pub use value::Value;
pub use write::{
    Transaction, Write, WriteResult, apply_each, apply_each_in_lock_order, split_on_conflict,
};
