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
use crate::{Database, Read, Sql, StoreError, Transaction, Value};

/// The idempotency of one request.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The key that the client chose.
    pub key: IdempotencyKey,
    /// What the request asks for.
    pub fingerprint: Fingerprint,
    /// When the key expires.
    pub expires_at: Timestamp,
}

/// What an earlier request with the same key asked for, and what it made.
#[derive(Clone, Debug)]
pub struct Earlier<T> {
    /// What it asked for.
    pub fingerprint: Fingerprint,
    /// What it made.
    pub made: T,
}

/// The state of a key for a request that claims it.
#[derive(Clone, Debug)]
pub enum KeyClaim<T> {
    /// The key is this request's now.
    Fresh,
    /// The same request was made before; this is what it made.
    Replay(T),
    /// The key was used for another request.
    Conflict,
}

impl<T> KeyClaim<T> {
    /// The state of a key that has this live record, or none.
    #[must_use]
    pub fn of(earlier: Option<Earlier<T>>, fingerprint: Fingerprint) -> Self {
        match earlier {
            None => Self::Fresh,
            Some(earlier) if earlier.fingerprint == fingerprint => Self::Replay(earlier.made),
            Some(_) => Self::Conflict,
        }
    }
}

/// Whether a record is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Only where that takes no round trip: claiming the key will tell as well.
    IfCheap,
    /// In any case.
    Always,
}

/// A key within its scope, such as a workspace.
pub type ScopedKey<S> = (S, String);

/// The table of a store's idempotency records.
///
/// `S` is the scope of a key, `T` what its request made, and `N` the number of columns.
pub struct IdempotencyRecords<S, T, const N: usize> {
    /// Inserts each row, or replaces an expired one; returns scope and key of those that it wrote.
    pub claim: Sql,
    /// Reads scope and key of a row that `claim` returns.
    pub read_key: Read<ScopedKey<S>>,
    /// Finds the records of each scope (`$1`) and key (`$2`) that expire after a time (`$3`).
    pub find_each: Sql,
    /// Finds the record of a scope (`$1`) and key (`$2`) that expires after a time (`$3`).
    pub find: Sql,
    /// Reads a row that `find` or `find_each` returns.
    pub read: Read<(ScopedKey<S>, Earlier<T>)>,
    /// Deletes at most `$2` records that have expired at `$1`.
    pub prune: Sql,
    /// Where SQLite appends the records, and finds them by an index in memory: the statements for
    /// that. `None` where the table has a primary key on both engines.
    pub appended: Option<AppendedRecords>,
}

/// The statements for records that are appended: each has an `id`, which the index finds.
pub struct AppendedRecords {
    /// Inserts a row; takes the same columns as [`IdempotencyRecords::claim`].
    pub insert: Sql,
    /// As [`IdempotencyRecords::find`], if the record has the id `$4`.
    pub find_at: Sql,
    /// As [`IdempotencyRecords::prune`]; returns `id` and what [`IdempotencyRecords::read_key`]
    /// reads.
    pub prune: Sql,
}

/// A claim of a key, for one request.
pub struct ClaimRow<'a, S, const N: usize> {
    /// Where the key is valid.
    pub scope: S,
    /// The key and its fingerprint.
    pub idempotency: &'a Idempotency,
    /// The whole record.
    pub columns: [Value<'a>; N],
}

impl<S, T, const N: usize> IdempotencyRecords<S, T, N>
where
    S: Clone + Eq + Hash + Ord,
    for<'a> &'a S: Into<Value<'a>>,
{
    /// Claims keys, no two of them the same: one state for each, in their order.
    ///
    /// # Errors
    /// When the database does not do it.
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
        // With one order everywhere, two transactions cannot wait for each other.
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
                // What the key made is gone, but the key is not free.
                None => KeyClaim::Conflict,
                found => KeyClaim::of(found, claim.idempotency.fingerprint),
            }
        };
        Ok(claims.iter().zip(keys).map(state).collect())
    }

    /// The live records of these keys at these times, within a transaction.
    ///
    /// # Errors
    /// When the database does not do it.
    pub async fn find_each(
        &'static self,
        transaction: &Transaction<'_>,
        keys: &[(&S, &IdempotencyKey, Timestamp)],
    ) -> Result<HashMap<ScopedKey<S>, Earlier<T>>, StoreError> {
        if let (Some(appended), EngineTransaction::Sqlite(sqlite)) =
            (&self.appended, &transaction.0)
        {
            let find = |(scope, key, now): &(&S, &IdempotencyKey, Timestamp)| {
                self.find_appended(*sqlite, appended, (*scope, *key, *now)).transpose()
            };
            return keys.iter().filter_map(find).collect();
        }
        let rows: Vec<[Value<'_>; 3]> = keys
            .iter()
            .map(|(scope, key, now)| [(*scope).into(), key.as_str().into(), (*now).into()])
            .collect();
        Ok(transaction.query_each(&self.find_each, &rows, self.read).await?.into_iter().collect())
    }

    /// The live record of a key, as it was committed. With [`Lookup::IfCheap`], `None` also means
    /// that finding it would take a round trip.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn find(
        &'static self,
        database: &Database,
        scope: &S,
        key: &IdempotencyKey,
        now: Timestamp,
        lookup: Lookup,
    ) -> Result<Option<Earlier<T>>, StoreError>
    where
        T: Send + 'static,
        S: Send + 'static,
    {
        let parameters = [scope.into(), key.as_str().into(), now.into()].map(Value::into_owned);
        match (database.engine(), &self.appended) {
            (Engine::Postgres(_), _) if lookup == Lookup::IfCheap => return Ok(None),
            (Engine::Sqlite(sqlite), Some(appended)) => {
                let keys = sqlite.keys();
                for id in keys.candidates(keys.hash(&scope.into(), key.as_str())) {
                    let [scope, key, now] = parameters.clone();
                    let parameters = vec![scope, key, now, id.into()];
                    let found = database.find(&appended.find_at, parameters, self.read).await?;
                    if let Some((_, earlier)) = found {
                        return Ok(Some(earlier));
                    }
                }
                return Ok(None);
            }
            (Engine::Sqlite(_) | Engine::Postgres(_), _) => {}
        }
        let found = database.find(&self.find, parameters.into(), self.read).await?;
        Ok(found.map(|(_, earlier)| earlier))
    }

    /// Deletes at most `limit` expired records; how many they were.
    ///
    /// # Errors
    /// When the database does not do it.
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

    /// Claims a key by appending its record, if no live record has it.
    fn append(
        &'static self,
        sqlite: SqliteTransaction<'_>,
        appended: &'static AppendedRecords,
        claim: &ClaimRow<'_, S, N>,
    ) -> Result<KeyClaim<T>, StoreError> {
        let Idempotency { key, fingerprint, expires_at } = claim.idempotency;
        // A key that is valid for a day from now may replace one that was valid until now.
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
    ) -> Result<Option<(ScopedKey<S>, Earlier<T>)>, StoreError> {
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

impl<S: Clone, const N: usize> ClaimRow<'_, S, N> {
    fn key(&self) -> ScopedKey<S> {
        (self.scope.clone(), self.idempotency.key.as_str().to_owned())
    }
}
