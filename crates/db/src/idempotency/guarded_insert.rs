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

/// A row, and the claim of the key that guards it, if it has one.
pub struct GuardedRow<'a, S, const ROW: usize, const N: usize> {
    /// The row's id.
    pub id: [u8; 16],
    /// The row.
    pub row: [Value<'a>; ROW],
    /// The claim.
    pub claim: Option<ClaimRow<'a, S, N>>,
}

impl<S, T, const N: usize> IdempotencyRecords<S, T, N>
where
    S: Clone + Eq + Hash + Ord,
    for<'a> &'a S: Into<Value<'a>>,
{
    /// Inserts rows, of which no two have the same key. Returns the state of each row's key, in
    /// their order: [`KeyClaim::Fresh`] if the row was inserted.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn insert_guarded<const ROW: usize, const GUARDED: usize>(
        &'static self,
        transaction: &Transaction<'_>,
        sql: &'static GuardedInsert<ROW, GUARDED>,
        rows: Vec<GuardedRow<'_, S, ROW, N>>,
    ) -> Result<Vec<KeyClaim<T>>, StoreError> {
        if let EngineTransaction::Postgres(_) = &transaction.0 {
            return self.claim_and_insert(transaction, sql, rows).await;
        }
        let (mut inserts, mut claims, mut is_guarded) = (Vec::new(), Vec::new(), Vec::new());
        for GuardedRow { row, claim, .. } in rows {
            is_guarded.push(claim.is_some());
            inserts.push(row);
            claims.extend(claim);
        }
        let mut claimed = self.claim(transaction, claims).await?.into_iter();
        let states: Vec<KeyClaim<T>> = is_guarded
            .into_iter()
            .map(|is_guarded| {
                let claimed = if is_guarded { claimed.next() } else { None };
                claimed.unwrap_or(KeyClaim::Fresh)
            })
            .collect();
        let mut states_of_inserts = states.iter();
        inserts.retain(|_| matches!(states_of_inserts.next(), Some(KeyClaim::Fresh)));
        transaction.execute_each(&sql.insert, &inserts).await?;
        Ok(states)
    }

    async fn claim_and_insert<const ROW: usize, const GUARDED: usize>(
        &'static self,
        transaction: &Transaction<'_>,
        sql: &'static GuardedInsert<ROW, GUARDED>,
        rows: Vec<GuardedRow<'_, S, ROW, N>>,
    ) -> Result<Vec<KeyClaim<T>>, StoreError> {
        let mut sorted: Vec<&GuardedRow<'_, S, ROW, N>> = rows.iter().collect();
        // Transactions that lock keys in the same order cannot deadlock.
        sorted.sort_unstable_by(|one, other| key_of(one).cmp(&key_of(other)));
        let values: Vec<[Value<'_>; GUARDED]> =
            sorted.iter().map(|row| guarded_values(row)).collect();
        let ids = sorted.iter().map(|row| row.id);
        let inserted =
            transaction.change_each(&sql.claim_and_insert, &values, ids, |row| row.bytes("id"));
        let inserted = inserted.await?;
        let lost: Vec<_> = rows
            .iter()
            .filter(|row| !inserted.contains(&row.id))
            .filter_map(|row| row.claim.as_ref())
            .map(|claim| (claim.scope, &claim.idempotency.key, Timestamp::EPOCH))
            .collect();
        let mut earlier: HashMap<_, _> = self.find_each(transaction, &lost).await?;
        let state = |row: &GuardedRow<'_, S, ROW, N>| match &row.claim {
            Some(claim) if !inserted.contains(&row.id) => match earlier.remove(&claim.key()) {
                // The result is gone, but the key is still claimed.
                None => KeyClaim::Conflict,
                found => KeyClaim::of(found, claim.idempotency.fingerprint),
            },
            _ => KeyClaim::Fresh,
        };
        Ok(rows.iter().map(state).collect())
    }
}

fn key_of<'a, S, const ROW: usize, const N: usize>(
    row: &'a GuardedRow<'_, S, ROW, N>,
) -> Option<(&'a S, &'a str)> {
    row.claim.as_ref().map(|claim| (claim.scope, claim.idempotency.key.as_str()))
}

/// The row's columns, and [`GUARD_COLUMNS`].
fn guarded_values<'a, S, const ROW: usize, const N: usize, const GUARDED: usize>(
    row: &GuardedRow<'a, S, ROW, N>,
) -> [Value<'a>; GUARDED] {
    let guard = match &row.claim {
        Some(ClaimRow { idempotency: Idempotency { key, fingerprint, expires_at }, .. }) => {
            [key.as_str().into(), fingerprint.as_bytes().into(), (*expires_at).into()]
        }
        None => [Value::Null, Value::Null, Value::Null],
    };
    let mut values = row.row.iter().cloned().chain(guard);
    std::array::from_fn(|_| values.next().unwrap_or(Value::Null))
}
