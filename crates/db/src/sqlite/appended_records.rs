//! Idempotency records that are appended to their table, and found with the index in memory.

use domain::Timestamp;
use domain::idempotency::{IdempotencyKey, VALIDITY};
use rusqlite::{CachedStatement, params_from_iter};

use super::key_index::KeyHash;
use super::statement;
use super::transaction::SqliteTransaction;
use crate::StoreError;
use crate::idempotency::{ClaimRow, GuardedRows, Idempotency, KeyClaim, KeyedRecord, ScopedKey};
use crate::row::Read;
use crate::sql::Sql;
use crate::value::Value;

/// The statements for idempotency records that are appended on SQLite. Each has an `id`, which the
/// index returns.
pub struct AppendedRecords {
    /// Inserts a row with the columns of [`IdempotencyRecords::claim`].
    ///
    /// [`IdempotencyRecords::claim`]: crate::IdempotencyRecords::claim
    pub insert: Sql,
    /// Finds the record with the scope `$1`, the key `$2` and the id `$4`, if it is live at `$3`.
    pub find_at: Sql,
    /// Deletes at most `$2` records that have expired at `$1`. Returns `id`, scope and key of each.
    pub prune: Sql,
}

impl AppendedRecords {
    /// Claims keys, of which no two are the same, by appending the records of those that have no
    /// live record. Returns one state for each, in their order.
    pub(crate) fn claim_each<S, T, const N: usize>(
        &'static self,
        sqlite: SqliteTransaction<'_>,
        rows: &[ClaimRow<'_, S, N>],
        read: Read<KeyedRecord<S, T>>,
    ) -> Result<Vec<KeyClaim<T>>, StoreError>
    where
        for<'a> &'a S: Into<Value<'a>>,
    {
        let mut insert = statement::prepare(sqlite.connection, &self.insert)?;
        rows.iter().map(|row| self.claim(sqlite, &mut insert, row, read)).collect()
    }

    /// Inserts rows whose keys are free, and claims these.
    pub(crate) fn insert_guarded<R, S, T, const ROW: usize, const N: usize>(
        &'static self,
        sqlite: SqliteTransaction<'_>,
        sql: &'static Sql,
        rows: &GuardedRows<'_, R, S, ROW, N>,
        read: Read<KeyedRecord<S, T>>,
    ) -> Result<Vec<KeyClaim<T>>, StoreError>
    where
        for<'a> &'a S: Into<Value<'a>>,
    {
        let mut insert_record = statement::prepare(sqlite.connection, &self.insert)?;
        let mut insert_row = statement::prepare(sqlite.connection, sql)?;
        let insert = |value: &R| {
            let state = match (rows.claim)(value) {
                Some(claim) => self.claim(sqlite, &mut insert_record, &claim, read)?,
                None => KeyClaim::Fresh,
            };
            if matches!(state, KeyClaim::Fresh) {
                insert_row.execute(params_from_iter(&(rows.row)(value)))?;
            }
            Ok(state)
        };
        rows.values.iter().map(insert).collect()
    }

    fn claim<S, T, const N: usize>(
        &'static self,
        sqlite: SqliteTransaction<'_>,
        insert: &mut CachedStatement<'_>,
        row: &ClaimRow<'_, S, N>,
        read: Read<KeyedRecord<S, T>>,
    ) -> Result<KeyClaim<T>, StoreError>
    where
        for<'a> &'a S: Into<Value<'a>>,
    {
        let SqliteTransaction { connection, keys } = sqlite;
        let ClaimRow { scope, idempotency: Idempotency { key, fingerprint, expires_at }, columns } =
            row;
        let hash = keys.hash(&(*scope).into(), key.as_str());
        // The key is valid for a day from now. It may replace one that was valid until now.
        let now = expires_at.minus(VALIDITY);
        let earlier = self.find_with(sqlite, hash, (*scope, key, now), read)?;
        let state = KeyClaim::of(earlier.map(|(_, earlier)| earlier), *fingerprint);
        if matches!(state, KeyClaim::Fresh) {
            insert.execute(params_from_iter(columns))?;
            keys.add(hash, connection.last_insert_rowid());
        }
        Ok(state)
    }

    /// The live record of a key at this time.
    pub(crate) fn find<S, T>(
        &'static self,
        sqlite: SqliteTransaction<'_>,
        (scope, key, now): (&S, &IdempotencyKey, Timestamp),
        read: Read<KeyedRecord<S, T>>,
    ) -> Result<Option<KeyedRecord<S, T>>, StoreError>
    where
        for<'a> &'a S: Into<Value<'a>>,
    {
        let hash = sqlite.keys.hash(&scope.into(), key.as_str());
        self.find_with(sqlite, hash, (scope, key, now), read)
    }

    fn find_with<S, T>(
        &'static self,
        SqliteTransaction { connection, keys }: SqliteTransaction<'_>,
        hash: KeyHash,
        (scope, key, now): (&S, &IdempotencyKey, Timestamp),
        read: Read<KeyedRecord<S, T>>,
    ) -> Result<Option<KeyedRecord<S, T>>, StoreError>
    where
        for<'a> &'a S: Into<Value<'a>>,
    {
        for id in keys.candidates(hash) {
            let parameters = [scope.into(), key.as_str().into(), now.into(), id.into()];
            let found = statement::query(connection, &self.find_at, &parameters, read)?.pop();
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Deletes at most `limit` expired records. Returns their number.
    pub(crate) fn prune<S>(
        &'static self,
        SqliteTransaction { connection, keys }: SqliteTransaction<'_>,
        now: Timestamp,
        limit: u32,
        read_key: Read<ScopedKey<S>>,
    ) -> Result<u64, StoreError>
    where
        for<'a> &'a S: Into<Value<'a>>,
    {
        let parameters = [now.into(), limit.into()];
        let pruned = statement::query(connection, &self.prune, &parameters, |row| {
            Ok((row.integer("id")?, read_key(row)?))
        })?;
        for (id, (scope, key)) in &pruned {
            keys.remove(keys.hash(&scope.into(), key), *id);
        }
        // There are at most `limit`.
        Ok(u64::try_from(pruned.len()).unwrap_or(u64::MAX))
    }
}
