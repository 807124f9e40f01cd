//! Idempotency records: what a client's key was used for (§4).
//!
//! A store declares its table as an [`IdempotencyRecords`]. The record is written in the
//! transaction that stores what the key guards, so a crash leaves both or neither.

mod guarded_insert;
mod prune;
mod records;

use domain::Timestamp;
use domain::idempotency::{Fingerprint, IdempotencyKey};

pub use self::guarded_insert::{GUARD_COLUMNS, GuardedInsert, GuardedRows};
pub use self::prune::PruneIdempotencyRecords;
pub use self::records::{IdempotencyRecords, lookup_columns};
use crate::Value;

/// The idempotency of one request (§4).
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The key that the client chose.
    pub key: IdempotencyKey,
    /// The hash of what the request asks for.
    pub fingerprint: Fingerprint,
    /// When the key expires.
    pub expires_at: Timestamp,
}

/// A live record: what the request asked for that claimed the key, and its result.
#[derive(Clone, Debug)]
pub struct IdempotencyRecord<T> {
    /// The hash of what the request asked for.
    pub fingerprint: Fingerprint,
    /// Its result.
    pub result: T,
}

/// The state of a key for a request that claims it (§4).
#[derive(Clone, Debug)]
pub enum KeyClaim<T> {
    /// The request has claimed the key.
    Fresh,
    /// The same request claimed the key before. This is its result.
    Replay(T),
    /// The key was used for another request.
    Conflict,
}

impl<T> KeyClaim<T> {
    /// The state of a key with this live record, or with none.
    #[must_use]
    pub fn of(earlier: Option<IdempotencyRecord<T>>, fingerprint: Fingerprint) -> Self {
        match earlier {
            None => Self::Fresh,
            Some(earlier) if earlier.fingerprint == fingerprint => Self::Replay(earlier.result),
            Some(_) => Self::Conflict,
        }
    }
}

/// Whether to look a record up before the key is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Only if the lookup needs no round trip. Claiming the key finds the record anyway.
    IfCheap,
    /// Always.
    Always,
}

/// A key within its scope, such as a workspace.
pub type ScopedKey<S> = (S, String);

/// A record with its key.
pub type KeyedRecord<S, T> = (ScopedKey<S>, IdempotencyRecord<T>);

/// The claim of a key by a request.
pub struct ClaimRow<'a, S, const N: usize> {
    /// The key's scope.
    pub scope: &'a S,
    /// The key and its fingerprint.
    pub idempotency: &'a Idempotency,
    /// The record's columns.
    pub columns: [Value<'a>; N],
}

impl<S: Clone, const N: usize> ClaimRow<'_, S, N> {
    pub(crate) fn key(&self) -> ScopedKey<S> {
        (self.scope.clone(), self.idempotency.key.as_str().to_owned())
    }
}
