//! The table of idempotency records, on either engine.

use std::collections::HashMap;
use std::hash::Hash;

use domain::Timestamp;
use domain::idempotency::IdempotencyKey;

use super::{ClaimRow, IdempotencyRecord, KeyClaim, KeyedRecord, Lookup, ScopedKey};
use crate::database::Engine;
use crate::sqlite::AppendedRecords;
use crate::transaction::EngineTransaction;
use crate::{Column, Database, Kind, Read, Sql, StoreError, Transaction, Value};

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
    pub read: Read<KeyedRecord<S, T>>,
    /// Deletes at most `$2` records that have expired at `$1`.
    pub prune: Sql,
    /// The statements for SQLite, if it appends the records and finds them with an index in memory.
    /// `None` if the table has a primary key on both engines.
    pub appended: Option<AppendedRecords>,
}

/// The columns of the rows that [`IdempotencyRecords::find`] takes: `each.scope`, `each.key`, and
/// the present as `each.now`.
#[must_use]
pub const fn lookup_columns(scope: Kind) -> [Column; 3] {
    [("scope", scope), ("key", Kind::Text), ("now", Kind::Integer)]
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
            return appended.claim_each(*sqlite, &claims, self.read);
        }
        let keys: Vec<ScopedKey<S>> = claims.iter().map(ClaimRow::key).collect();
        let mut sorted: Vec<&ClaimRow<'_, S, N>> = claims.iter().collect();
        // Transactions that lock rows in the same order cannot deadlock.
        sorted.sort_unstable_by(|one, other| {
            (one.scope, one.idempotency.key.as_str())
                .cmp(&(other.scope, other.idempotency.key.as_str()))
        });
        let rows: Vec<_> = sorted.iter().map(|claim| claim.columns.clone()).collect();
        let ids = sorted.iter().map(|claim| claim.key());
        let fresh = transaction.change_each(&self.claim, &rows, ids, self.read_key).await?;
        let lost = claims.iter().zip(&keys).filter(|(_, key)| !fresh.contains(key));
        let lost: Vec<_> = lost
            .map(|(claim, _)| (claim.scope, &claim.idempotency.key, Timestamp::EPOCH))
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
                appended.find(*sqlite, *key, self.read).transpose()
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
        match (database.engine(), &self.appended) {
            (Engine::Postgres(_), _) if lookup == Lookup::IfCheap => return Ok(None),
            (Engine::Sqlite(sqlite), Some(appended)) => {
                let keys = sqlite.keys();
                for id in keys.candidates(keys.hash(&scope.into(), key.as_str())) {
                    let row = lookup_row(scope, key, now).map(Value::into_owned);
                    let parameters = row.into_iter().chain([id.into()]).collect();
                    let found = database.find(&appended.find_at, parameters, self.read).await?;
                    if let Some((_, earlier)) = found {
                        return Ok(Some(earlier));
                    }
                }
                return Ok(None);
            }
            (Engine::Sqlite(_) | Engine::Postgres(_), _) => {}
        }
        let row = lookup_row(scope, key, now).map(Value::into_owned);
        let found = database.query_each(&self.find, vec![row], self.read).await?.pop();
        Ok(found.map(|(_, earlier)| earlier))
    }

    /// Deletes at most `limit` expired records. Returns their number.
    pub(super) async fn delete_expired(
        &'static self,
        transaction: &Transaction<'_>,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        if let (Some(appended), EngineTransaction::Sqlite(sqlite)) =
            (&self.appended, &transaction.0)
        {
            return appended.prune(*sqlite, now, limit, self.read_key);
        }
        transaction.execute(&self.prune, &[now.into(), limit.into()]).await
    }
}

/// The values of [`lookup_columns`].
fn lookup_row<'a, S>(scope: &'a S, key: &'a IdempotencyKey, now: Timestamp) -> [Value<'a>; 3]
where
    &'a S: Into<Value<'a>>,
{
    [scope.into(), key.as_str().into(), now.into()]
}
