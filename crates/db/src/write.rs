//! Writes as data.

use std::collections::HashSet;
use std::hash::Hash;

use crate::StoreError;
use crate::transaction::Transaction;

/// A write as data. Writes of one type are applied together; each happens whole or not at all.
pub trait Write: Sized + Send + 'static {
    /// The result of the write. A refusal is an outcome too.
    type Outcome: Send + 'static;

    /// Whether these writes are applied only after all that were queued before them are committed
    /// or have failed, even those whose callers have hung up. SQLite does so with all writes.
    const WAITS_FOR_EARLIER: bool = false;

    /// Applies the writes and returns one outcome for each, in their order. Each write sees those
    /// before it as applied. A refused write changes nothing.
    ///
    /// An error rolls all of them back. They are then applied again in smaller batches, until the
    /// write that fails is alone. So this must have no effect outside the transaction.
    fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> impl Future<Output = Result<Vec<Self::Outcome>, StoreError>>;
}

/// The result of a write. `Ok` means that it is durable.
pub type WriteResult<W> = Result<<W as Write>::Outcome, StoreError>;

/// Applies writes one after the other: for writes that are seldom batched.
///
/// # Errors
/// The first error of `apply`.
pub async fn apply_each<W, T>(
    writes: &[W],
    apply: impl AsyncFn(&W) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut outcomes = Vec::with_capacity(writes.len());
    for write in writes {
        outcomes.push(apply(write).await?);
    }
    Ok(outcomes)
}

/// As [`apply_each`], in the order of the rows that the writes lock. Two transactions that lock
/// rows in the same order cannot deadlock. Writes with the same key stay in their order.
///
/// # Errors
/// The first error of `apply`.
pub async fn apply_each_in_lock_order<'writes, W, T, K: Ord>(
    writes: &'writes [W],
    key: impl Fn(&'writes W) -> K,
    apply: impl AsyncFn(&'writes W) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut sorted: Vec<(usize, &W)> = writes.iter().enumerate().collect();
    sorted.sort_by_key(|(_, write)| key(write));
    let mut outcomes = Vec::with_capacity(writes.len());
    for (index, write) in sorted {
        outcomes.push((index, apply(write).await?));
    }
    outcomes.sort_by_key(|(index, _)| *index);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// Splits the writes into slices in which no key occurs twice. One statement can then serve a whole
/// slice, and a later write with the same key is applied after the earlier one.
pub fn split_on_conflict<'writes, W, K: Eq + Hash, I: IntoIterator<Item = K>>(
    writes: &'writes [W],
    keys: impl Fn(&'writes W) -> I,
) -> Vec<&'writes [W]> {
    let mut slices = Vec::new();
    let mut seen = HashSet::new();
    let mut start = 0;
    for (index, write) in writes.iter().enumerate() {
        let keys: Vec<K> = keys(write).into_iter().collect();
        if keys.iter().any(|key| seen.contains(key)) {
            slices.extend(writes.get(start..index));
            seen.clear();
            start = index;
        }
        seen.extend(keys);
    }
    slices.extend(writes.get(start..).filter(|slice| !slice.is_empty()));
    slices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn writes_are_applied_in_lock_order_and_answered_in_their_own() {
        let writes = [(3, 'a'), (1, 'b'), (3, 'c'), (2, 'd')];
        let applied = parking_lot::Mutex::new(Vec::new());
        let outcomes = apply_each_in_lock_order(
            &writes,
            |(key, _)| *key,
            async |(_, name)| {
                applied.lock().push(*name);
                Ok(*name)
            },
        );
        assert_eq!(outcomes.await.unwrap(), ['a', 'b', 'c', 'd']);
        assert_eq!(*applied.lock(), ['b', 'd', 'a', 'c']);
    }

    #[test]
    fn a_slice_ends_before_a_key_occurs_again() {
        let lengths = |writes: &'static [&'static [u8]]| {
            split_on_conflict(writes, |write| write.iter())
                .into_iter()
                .map(<[_]>::len)
                .collect::<Vec<_>>()
        };
        assert_eq!(lengths(&[]), [0; 0]);
        assert_eq!(lengths(&[&[1], &[2], &[], &[]]), [4]);
        assert_eq!(lengths(&[&[1], &[2], &[1], &[2], &[1]]), [2, 2, 1]);
        assert_eq!(lengths(&[&[1, 2], &[3], &[4, 2]]), [2, 1]);
        assert_eq!(lengths(&[&[1, 1], &[1]]), [1, 1]);
    }
}
