//! The two database engines, SQLite and PostgreSQL: batched writes, queries, migrations, inspection
//! and copy. The stores on top of this crate own the tables.
//!
//! A write is a value that implements [`Write`]. It happens whole or not at all. The engine's
//! writer takes many writes at once, applies them in one transaction, commits with one sync, and
//! then answers each caller. A read is one query, which sees what was committed when it began.
//!
//! A query's text is an [`Sql`]: one text for both engines. Its columns are declared by
//! [`write_columns!`] and [`read_columns!`]. `ARCHITECTURE.md` describes the rest.

mod batch;
mod channel;
mod columns;
mod copy;
mod database;
mod deployment_settings;
mod error;
mod idempotency;
mod inspect;
mod inspection;
mod location;
mod metrics;
mod migrations;
mod notify;
mod outage;
mod postgres;
mod queue;
mod row;
mod sql;
mod sqlite;
mod transaction;
mod value;
mod write;

pub use channel::Channel;
pub use columns::{Column, Kind, ReadColumns};
pub use copy::{CopyError, CopyOutcome, TableCount, copy};
pub use database::{AdvisoryLock, Database};
pub use deployment_settings::RecordDeploymentSetting;
pub use error::{OpenError, StoreError, UnavailableReason};
pub use idempotency::{
    ClaimRow, GUARD_COLUMNS, GuardedInsert, GuardedRows, Idempotency, IdempotencyRecord,
    IdempotencyRecords, KeyClaim, KeyedRecord, Lookup, PruneIdempotencyRecords, ScopedKey,
    lookup_columns,
};
pub use inspect::inspect;
pub use inspection::{Applied, ClockReading, ErrorKind, Inspection, Problem, Tables, TablesState};
pub use location::{Location, Schema};
pub use metrics::WriterMetrics;
pub use migrations::Migration;
pub use postgres::{MalformedPostgresUrl, PostgresOptions, PostgresUrl};
pub use row::{Read, Row, provider_ids_json, required};
pub use sql::Sql;
pub use sqlite::AppendedRecords;
pub use transaction::Transaction;
pub use value::Value;
pub use write::{Write, WriteResult, apply_each, apply_each_in_lock_order, split_on_conflict};
