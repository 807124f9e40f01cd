//! An index of idempotency keys in memory.
//!
//! Keys are random, so an index of them on the disk writes a random page for each key. Measured
//! with 5 million keys, that costs a seventh of the throughput and fifteen times the bytes written
//! (`docs/performance.md`). One process owns an SQLite file, so it can hold the index in memory and
//! only append the records. The rows are authoritative: a candidate from the index is compared with
//! its row. The index is loaded before the database is used, and takes 29 to 36 bytes for each key.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::Value;

/// The number of shards. Growing the map of a shard takes less than a millisecond, and blocks only
/// the keys of that shard.
const SHARDS: usize = 256;

/// The hash of a scope and a key. Two keys can have the same hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyHash(u64);

/// A [`KeyHash`] needs no further hashing.
#[derive(Default)]
struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[derive(Default)]
struct Shard {
    /// The newest record of each hash.
    newest: HashMap<KeyHash, i64, BuildHasherDefault<IdentityHasher>>,
    /// All other records: of keys that were claimed again after they expired, and of keys that
    /// share a hash.
    others: Vec<(KeyHash, i64)>,
}

impl Shard {
    fn add(&mut self, hash: KeyHash, id: i64) {
        if let Some(older) = self.newest.insert(hash, id) {
            self.others.push((hash, older));
        }
    }

    fn remove(&mut self, hash: KeyHash, id: i64) {
        if self.newest.get(&hash) != Some(&id) {
            self.others.retain(|other| *other != (hash, id));
            return;
        }
        self.newest.remove(&hash);
        if let Some(position) = self.others.iter().rposition(|(other, _)| *other == hash) {
            let (_, next) = self.others.swap_remove(position);
            self.newest.insert(hash, next);
        }
    }
}

/// The index. Clones share it.
#[derive(Clone)]
pub(crate) struct KeyIndex {
    shards: Arc<[Mutex<Shard>]>,
    hashing: RandomState,
}

impl Default for KeyIndex {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, hashing: RandomState::new() }
    }
}

impl KeyIndex {
    pub(crate) fn hash(&self, scope: &Value<'_>, key: &str) -> KeyHash {
        let scope = match scope {
            Value::Text(text) => text.as_bytes(),
            Value::Bytes(bytes) => bytes,
            Value::Null | Value::Integer(_) | Value::Boolean(_) => &[],
        };
        KeyHash(self.hashing.hash_one((scope, key)))
    }

    /// The ids of the records that may have this key.
    pub(crate) fn candidates(&self, hash: KeyHash) -> Vec<i64> {
        let Some(shard) = self.shard(hash) else { return Vec::new() };
        let shard = shard.lock();
        let others = shard.others.iter().filter(|(other, _)| *other == hash).map(|(_, id)| *id);
        shard.newest.get(&hash).copied().into_iter().chain(others).collect()
    }

    pub(crate) fn add(&self, hash: KeyHash, id: i64) {
        if let Some(shard) = self.shard(hash) {
            shard.lock().add(hash, id);
        }
    }

    fn remove(&self, hash: KeyHash, id: i64) {
        if let Some(shard) = self.shard(hash) {
            shard.lock().remove(hash, id);
        }
    }

    /// The shard of a hash; there is always one. It depends on the lower bits of the hash, because
    /// the map uses the upper ones.
    fn shard(&self, hash: KeyHash) -> Option<&Mutex<Shard>> {
        let number = hash.0 % self.shards.len().max(1) as u64;
        self.shards.get(usize::try_from(number).unwrap_or(0))
    }
}

/// The changes of the current transaction. The transaction sees them at once, others when it is
/// committed.
#[derive(Default)]
pub(crate) struct StagedKeys {
    index: KeyIndex,
    changes: RefCell<Vec<Change>>,
}

#[derive(Clone, Copy)]
enum Change {
    Added(KeyHash, i64),
    Removed(KeyHash, i64),
}

impl StagedKeys {
    pub(crate) fn new(index: KeyIndex) -> Self {
        Self { index, changes: RefCell::default() }
    }

    pub(crate) fn hash(&self, scope: &Value<'_>, key: &str) -> KeyHash {
        self.index.hash(scope, key)
    }

    /// The ids of the records that may have this key, as this transaction sees them.
    pub(crate) fn candidates(&self, hash: KeyHash) -> Vec<i64> {
        let mut ids = self.index.candidates(hash);
        for change in &*self.changes.borrow() {
            match change {
                Change::Added(added, id) if *added == hash => ids.push(*id),
                Change::Removed(_, removed) => ids.retain(|id| id != removed),
                Change::Added(..) => {}
            }
        }
        ids
    }

    pub(crate) fn add(&self, hash: KeyHash, id: i64) {
        self.changes.borrow_mut().push(Change::Added(hash, id));
    }

    pub(crate) fn remove(&self, hash: KeyHash, id: i64) {
        self.changes.borrow_mut().push(Change::Removed(hash, id));
    }

    /// Applies the changes to the index: the transaction is committed.
    pub(super) fn commit(&self) {
        for change in self.changes.borrow_mut().drain(..) {
            match change {
                Change::Added(hash, id) => self.index.add(hash, id),
                Change::Removed(hash, id) => self.index.remove(hash, id),
            }
        }
    }

    /// Drops the changes: the transaction is rolled back.
    pub(super) fn roll_back(&self) {
        self.changes.borrow_mut().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: KeyHash = KeyHash(1);
    const BOB: KeyHash = KeyHash(2);

    fn staged() -> (KeyIndex, StagedKeys) {
        let index = KeyIndex::default();
        (index.clone(), StagedKeys::new(index))
    }

    #[test]
    fn a_staged_change_is_visible_to_its_transaction_and_to_others_after_the_commit() {
        let (index, staged) = staged();
        staged.add(ADA, 7);
        assert_eq!(staged.candidates(ADA), [7]);
        assert!(index.candidates(ADA).is_empty());
        staged.commit();
        assert_eq!(index.candidates(ADA), [7]);
    }

    #[test]
    fn a_change_that_is_rolled_back_has_no_effect() {
        let (index, staged) = staged();
        staged.add(ADA, 7);
        staged.roll_back();
        staged.commit();
        assert!(staged.candidates(ADA).is_empty() && index.candidates(ADA).is_empty());
    }

    #[test]
    fn keys_that_share_a_hash_are_all_candidates_whichever_is_removed() {
        for (removed, left) in [(3, vec![9, 5]), (5, vec![9, 3]), (9, vec![5, 3])] {
            let (index, staged) = staged();
            for (hash, id) in [(ADA, 3), (BOB, 4), (ADA, 5), (ADA, 9)] {
                index.add(hash, id);
            }
            staged.remove(ADA, removed);
            let mut seen = staged.candidates(ADA);
            staged.commit();
            let mut committed = index.candidates(ADA);
            seen.sort_unstable_by(|left, right| right.cmp(left));
            committed.sort_unstable_by(|left, right| right.cmp(left));
            assert_eq!((seen, committed), (left.clone(), left));
            assert_eq!(index.candidates(BOB), [4]);
        }
    }

    #[test]
    fn the_hash_depends_on_scope_and_key() {
        let index = KeyIndex::default();
        let hash = |scope: &str, key| index.hash(&Value::from(scope), key);
        assert_eq!(hash("org_1", "key"), hash("org_1", "key"));
        assert_ne!(hash("org_1", "key"), hash("org_2", "key"));
        assert_ne!(hash("org_1", "key"), hash("org_1k", "ey"));
    }
}
