//! An insert whose rows are guarded by idempotency keys (§4): a row is inserted only if its key is
//! claimed with it.

use std::collections::HashMap;
use std::hash::Hash;

use domain::Timestamp;

use super::{ClaimRow, Idempotency, IdempotencyRecords, KeyClaim};
use crate::transaction::EngineTransaction;
use crate::{Column, Kind, Sql, StoreError, Transaction, Value};

/// The columns that [`GuardedInsert::claim_and_insert`] takes after those of the row.
pub const GUARD_COLUMNS: [Column; 3] =
    [("key", Kind::Text), ("fingerprint", Kind::Bytes), ("key_expires_at", Kind::Integer)];

/// The statements of an insert that is guarded. `ROW` is the number of the row's columns, `GUARDED`
/// that number and [`GUARD_COLUMNS`].
pub struct GuardedInsert<const ROW: usize, const GUARDED: usize> {
    /// Inserts rows.
    pub insert: Sql,
    /// Claims keys and inserts the rows whose key it claimed or that have none, in one round trip,
    /// for PostgreSQL. Returns the `id` of each row that it inserted.
    pub claim_and_insert: Sql,
}

/// How the rows of a [`GuardedInsert`] are made from values of type `R`.
pub struct GuardedRows<'a, R, S, const ROW: usize, const N: usize> {
    /// The values, of which no two have the same key.
    pub values: &'a [R],
    /// The row of a value.
    pub row: fn(&R) -> [Value<'_>; ROW],
    /// The row's id.
    pub id: fn(&R) -> [u8; 16],
    /// The claim of the key that guards the row, if it has one.
    pub claim: fn(&R) -> Option<ClaimRow<'_, S, N>>,
}

impl<S, T, const N: usize> IdempotencyRecords<S, T, N>
where
    S: Clone + Eq + Hash + Ord,
    for<'a> &'a S: Into<Value<'a>>,
{
    /// Inserts rows. Returns the state of each row's key, in their order: [`KeyClaim::Fresh`] if
    /// the row was inserted.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn insert_guarded<R, const ROW: usize, const GUARDED: usize>(
        &'static self,
        transaction: &Transaction<'_>,
        sql: &'static GuardedInsert<ROW, GUARDED>,
        rows: GuardedRows<'_, R, S, ROW, N>,
    ) -> Result<Vec<KeyClaim<T>>, StoreError> {
        if let (Some(appended), EngineTransaction::Sqlite(sqlite)) =
            (&self.appended, &transaction.0)
        {
            return appended.insert_guarded(*sqlite, &sql.insert, &rows, self.read);
        }
        self.claim_and_insert(transaction, sql, &rows).await
    }

    async fn claim_and_insert<R, const ROW: usize, const GUARDED: usize>(
        &'static self,
        transaction: &Transaction<'_>,
        sql: &'static GuardedInsert<ROW, GUARDED>,
        rows: &GuardedRows<'_, R, S, ROW, N>,
    ) -> Result<Vec<KeyClaim<T>>, StoreError> {
        let claims: Vec<Option<ClaimRow<'_, S, N>>> = rows.values.iter().map(rows.claim).collect();
        let mut sorted: Vec<_> = rows.values.iter().zip(&claims).collect();
        // Transactions that lock keys in the same order cannot deadlock.
        sorted.sort_unstable_by(|(_, one), (_, other)| key_of(one).cmp(&key_of(other)));
        let values: Vec<[Value<'_>; GUARDED]> =
            sorted.iter().map(|(value, claim)| guarded_values((rows.row)(value), claim)).collect();
        let ids = sorted.iter().map(|(value, _)| (rows.id)(value));
        let inserted =
            transaction.change_each(&sql.claim_and_insert, &values, ids, |row| row.bytes("id"));
        let inserted = inserted.await?;
        let is_inserted = |value: &R| inserted.contains(&(rows.id)(value));
        let lost: Vec<_> = rows
            .values
            .iter()
            .zip(&claims)
            .filter(|(value, _)| !is_inserted(value))
            .filter_map(|(_, claim)| claim.as_ref())
            .map(|claim| (claim.scope, &claim.idempotency.key, Timestamp::EPOCH))
            .collect();
        let mut earlier: HashMap<_, _> = self.find_each(transaction, &lost).await?;
        let state = |(value, claim): (&R, &Option<ClaimRow<'_, S, N>>)| match claim {
            Some(claim) if !is_inserted(value) => match earlier.remove(&claim.key()) {
                // The result is gone, but the key is still claimed.
                None => KeyClaim::Conflict,
                found => KeyClaim::of(found, claim.idempotency.fingerprint),
            },
            _ => KeyClaim::Fresh,
        };
        Ok(rows.values.iter().zip(&claims).map(state).collect())
    }
}

fn key_of<'a, S, const N: usize>(
    claim: &'a Option<ClaimRow<'_, S, N>>,
) -> Option<(&'a S, &'a str)> {
    claim.as_ref().map(|claim| (claim.scope, claim.idempotency.key.as_str()))
}

/// The row's columns, and [`GUARD_COLUMNS`].
fn guarded_values<'a, S, const ROW: usize, const N: usize, const GUARDED: usize>(
    row: [Value<'a>; ROW],
    claim: &'a Option<ClaimRow<'_, S, N>>,
) -> [Value<'a>; GUARDED] {
    let guard = match claim {
        Some(ClaimRow { idempotency: Idempotency { key, fingerprint, expires_at }, .. }) => {
            [key.as_str().into(), fingerprint.as_bytes().into(), (*expires_at).into()]
        }
        None => [Value::Null, Value::Null, Value::Null],
    };
    let mut values = row.into_iter().chain(guard);
    std::array::from_fn(|_| values.next().unwrap_or(Value::Null))
}
