//! A transaction of the writer.

use rusqlite::Connection;

use super::key_index::StagedKeys;

/// A transaction, with its changes to the index of idempotency keys.
#[derive(Clone, Copy)]
pub(crate) struct SqliteTransaction<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) keys: &'a StagedKeys,
}
