//! Idempotency records: what a client's key was used for (§4).
//!
//! A store declares its table as an [`IdempotencyRecords`]. The record is written in the
//! transaction that stores what the key guards, so a crash leaves both or neither.

use std::collections::HashMap;
use std::hash::Hash;

use domain::Timestamp;
use domain::idempotency::{Fingerprint, IdempotencyKey, VALIDITY};

use crate::database::Engine;
use crate::sqlite::{SqliteTransaction, statement};
use crate::write::EngineTransaction;
use crate::{Column, Database, Kind, Read, Sql, StoreError, Transaction, Value};

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

/// The table of a store's idempotency records.
///
/// `S` is the scope of a key, `T` the result of its request, and `N` the number of columns of a
/// claim.
pub struct IdempotencyRecords<S, T, const N: usize> {
    /// Inserts each row, or replaces an expired one. Returns scope and key of the rows that it
    /// wrote.
    pub claim: Sql,
    /// Reads scope and key from a row that `claim` returns.
    pub read_key: Read<ScopedKey<S>>,
    /// Finds the live record of each scope and key. Takes rows of [`lookup_columns`].
    pub find: Sql,
    /// Reads a row that `find` returns.
    pub read: Read<(ScopedKey<S>, IdempotencyRecord<T>)>,
    /// Deletes at most `$2` records that have expired at `$1`.
    pub prune: Sql,
    /// The statements for SQLite, if it appends the records and finds them with an index in memory.
    /// `None` if the table has a primary key on both engines.
    pub appended: Option<AppendedRecords>,
}

/// The statements for records that are appended. Each has an `id`, which the index returns.
pub struct AppendedRecords {
    /// Inserts a row with the columns of [`IdempotencyRecords::claim`].
    pub insert: Sql,
    /// Finds the record with the scope `$1`, the key `$2` and the id `$4`, if it is live at `$3`.
    pub find_at: Sql,
    /// As [`IdempotencyRecords::prune`]. Returns `id` and what [`IdempotencyRecords::read_key`]
    /// reads.
    pub prune: Sql,
}

/// The columns of the rows that [`IdempotencyRecords::find`] takes: `each.scope`, `each.key`, and
/// the present as `each.now`.
#[must_use]
pub const fn lookup_columns(scope: Kind) -> [Column; 3] {
    [("scope", scope), ("key", Kind::Text), ("now", Kind::Integer)]
}

/// The claim of a key by a request.
pub struct ClaimRow<'a, S, const N: usize> {
    /// The key's scope.
    pub scope: S,
    /// The key and its fingerprint.
    pub idempotency: &'a Idempotency,
    /// The record's columns.
    pub columns: [Value<'a>; N],
}

impl<S, T, const N: usize> IdempotencyRecords<S, T, N>
where
    S: Clone + Eq + Hash + Ord,
    for<'a> &'a S: Into<Value<'a>>,
{
    /// Claims keys, of which no two are the same. Returns one state for each, in their order.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn claim(
        &'static self,
        transaction: &Transaction<'_>,
        claims: Vec<ClaimRow<'_, S, N>>,
    ) -> Result<Vec<KeyClaim<T>>, StoreError> {
        if let (Some(appended), EngineTransaction::Sqlite(sqlite)) =
            (&self.appended, &transaction.0)
        {
            return claims.iter().map(|claim| self.append(*sqlite, appended, claim)).collect();
        }
        let keys: Vec<ScopedKey<S>> = claims.iter().map(ClaimRow::key).collect();
        let mut sorted: Vec<&ClaimRow<'_, S, N>> = claims.iter().collect();
        // Transactions that lock rows in the same order cannot deadlock.
        sorted.sort_unstable_by(|one, other| {
            (&one.scope, one.idempotency.key.as_str())
                .cmp(&(&other.scope, other.idempotency.key.as_str()))
        });
        let rows: Vec<_> = sorted.iter().map(|claim| claim.columns.clone()).collect();
        let ids = sorted.iter().map(|claim| claim.key());
        let fresh = transaction.change_each(&self.claim, &rows, ids, self.read_key).await?;
        let lost = claims.iter().zip(&keys).filter(|(_, key)| !fresh.contains(key));
        let lost: Vec<_> = lost
            .map(|(claim, _)| (&claim.scope, &claim.idempotency.key, Timestamp::from_millis(0)))
            .collect();
        let mut earlier = self.find_each(transaction, &lost).await?;
        let state = |(claim, key): (&ClaimRow<'_, S, N>, ScopedKey<S>)| {
            if fresh.contains(&key) {
                return KeyClaim::Fresh;
            }
            match earlier.remove(&key) {
                // The result is gone, but the key is still claimed.
                None => KeyClaim::Conflict,
                found => KeyClaim::of(found, claim.idempotency.fingerprint),
            }
        };
        Ok(claims.iter().zip(keys).map(state).collect())
    }

    /// The live records of these keys at these times, within a transaction.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn find_each(
        &'static self,
        transaction: &Transaction<'_>,
        keys: &[(&S, &IdempotencyKey, Timestamp)],
    ) -> Result<HashMap<ScopedKey<S>, IdempotencyRecord<T>>, StoreError> {
        if let (Some(appended), EngineTransaction::Sqlite(sqlite)) =
            (&self.appended, &transaction.0)
        {
            let find = |key: &(&S, &IdempotencyKey, Timestamp)| {
                self.find_appended(*sqlite, appended, *key).transpose()
            };
            return keys.iter().filter_map(find).collect();
        }
        let rows: Vec<_> =
            keys.iter().map(|(scope, key, now)| lookup_row(*scope, key, *now)).collect();
        Ok(transaction.query_each(&self.find, &rows, self.read).await?.into_iter().collect())
    }

    /// The live record of a key, as it was committed. With [`Lookup::IfCheap`], `None` also means
    /// that the lookup needs a round trip.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn find(
        &'static self,
        database: &Database,
        scope: &S,
        key: &IdempotencyKey,
        now: Timestamp,
        lookup: Lookup,
    ) -> Result<Option<IdempotencyRecord<T>>, StoreError>
    where
        T: Send + 'static,
        S: Send + 'static,
    {
        let row = lookup_row(scope, key, now).map(Value::into_owned);
        match (database.engine(), &self.appended) {
            (Engine::Postgres(_), _) if lookup == Lookup::IfCheap => return Ok(None),
            (Engine::Sqlite(sqlite), Some(appended)) => {
                let keys = sqlite.keys();
                for id in keys.candidates(keys.hash(&scope.into(), key.as_str())) {
                    let parameters = row.iter().cloned().chain([id.into()]).collect();
                    let found = database.find(&appended.find_at, parameters, self.read).await?;
                    if let Some((_, earlier)) = found {
                        return Ok(Some(earlier));
                    }
                }
                return Ok(None);
            }
            (Engine::Sqlite(_) | Engine::Postgres(_), _) => {}
        }
        let found = database.query_each(&self.find, vec![row], self.read).await?.pop();
        Ok(found.map(|(_, earlier)| earlier))
    }

    /// Deletes at most `limit` expired records. Returns their number.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn prune(
        &'static self,
        transaction: &Transaction<'_>,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let parameters = [now.into(), limit.into()];
        let (Some(appended), EngineTransaction::Sqlite(SqliteTransaction { connection, keys })) =
            (&self.appended, &transaction.0)
        else {
            return transaction.execute(&self.prune, &parameters).await;
        };
        let pruned = statement::query(connection, &appended.prune, &parameters, |row| {
            Ok((row.integer("id")?, (self.read_key)(row)?))
        })?;
        for (id, (scope, key)) in &pruned {
            keys.remove(keys.hash(&scope.into(), key), *id);
        }
        // There are at most `limit`.
        Ok(u64::try_from(pruned.len()).unwrap_or(u64::MAX))
    }

    /// Claims a key by appending its record, if there is no live record of the key.
    fn append(
        &'static self,
        sqlite: SqliteTransaction<'_>,
        appended: &'static AppendedRecords,
        claim: &ClaimRow<'_, S, N>,
    ) -> Result<KeyClaim<T>, StoreError> {
        let Idempotency { key, fingerprint, expires_at } = claim.idempotency;
        // The key is valid for a day from now. It may replace one that was valid until now.
        let now = expires_at.minus(VALIDITY);
        let earlier = self.find_appended(sqlite, appended, (&claim.scope, key, now))?;
        let state = KeyClaim::of(earlier.map(|(_, earlier)| earlier), *fingerprint);
        if matches!(state, KeyClaim::Fresh) {
            let SqliteTransaction { connection, keys } = sqlite;
            statement::execute(connection, &appended.insert, &claim.columns)?;
            let hash = keys.hash(&(&claim.scope).into(), key.as_str());
            keys.add(hash, connection.last_insert_rowid());
        }
        Ok(state)
    }

    fn find_appended(
        &'static self,
        SqliteTransaction { connection, keys }: SqliteTransaction<'_>,
        appended: &'static AppendedRecords,
        (scope, key, now): (&S, &IdempotencyKey, Timestamp),
    ) -> Result<Option<(ScopedKey<S>, IdempotencyRecord<T>)>, StoreError> {
        for id in keys.candidates(keys.hash(&scope.into(), key.as_str())) {
            let parameters = [scope.into(), key.as_str().into(), now.into(), id.into()];
            let found =
                statement::query(connection, &appended.find_at, &parameters, self.read)?.pop();
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// The values of [`lookup_columns`].
fn lookup_row<'a, S>(scope: &'a S, key: &'a IdempotencyKey, now: Timestamp) -> [Value<'a>; 3]
where
    &'a S: Into<Value<'a>>,
{
    [scope.into(), key.as_str().into(), now.into()]
}

impl<S: Clone, const N: usize> ClaimRow<'_, S, N> {
    fn key(&self) -> ScopedKey<S> {
        (self.scope.clone(), self.idempotency.key.as_str().to_owned())
    }
}
