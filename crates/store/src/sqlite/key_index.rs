//! Where idempotency records are, kept in memory.
//!
//! Keys are random, so an index of them on the disk is written all over: each key costs a page of the log, and the more keys
//! there are, the fewer of these pages are at hand. A file of SQLite's has one owner, so that one can remember where each key's
//! record is, while the records themselves are only ever appended. What is remembered is never the promise: the rows are, and
//! whatever is found here is compared with its row. It is read from the rows when it is first needed.
//!
//! A key takes 17 to 34 bytes, for as long as its record is kept.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a key's row is found by. Two keys may have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyHash(u64);

impl KeyHash {
    /// The hash of a key, which belongs to a workspace.
    pub(crate) fn of(workspace_id: &str, key: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (workspace_id, key).hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// A [`KeyHash`] needs no hashing again.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
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
struct Rows {
    /// The youngest row of each hash.
    youngest: HashMap<KeyHash, i64, BuildHasherDefault<AsItIs>>,
    /// All others: of keys that were taken again after they had expired, and of keys that share a hash.
    others: Vec<(KeyHash, i64)>,
    is_loaded: bool,
}

/// Where the records are. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct KeyIndex(Arc<Mutex<Rows>>);

impl KeyIndex {
    /// The rows that may be this key's, or `None` while nobody has read what rows there are.
    pub(crate) fn candidates(&self, hash: KeyHash) -> Option<Vec<i64>> {
        let rows = self.rows();
        if !rows.is_loaded {
            return None;
        }
        let others = rows.others.iter().filter(|(other, _)| *other == hash).map(|(_, row)| *row);
        Some(rows.youngest.get(&hash).copied().into_iter().chain(others).collect())
    }

    /// Remembering is never half done: a poisoned lock hides nothing broken.
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    fn add(&mut self, hash: KeyHash, row: i64) {
        if let Some(older) = self.youngest.insert(hash, row) {
            self.others.push((hash, older));
        }
    }

    fn remove(&mut self, hash: KeyHash, row: i64) {
        if self.youngest.get(&hash) == Some(&row) {
            self.youngest.remove(&hash);
            // One of the others, if there is one, takes its place.
            if let Some(place) = self.others.iter().rposition(|(other, _)| *other == hash) {
                let (_, heir) = self.others.swap_remove(place);
                self.youngest.insert(hash, heir);
            }
        } else {
            self.others.retain(|other| *other != (hash, row));
        }
    }
}

/// What the transaction under way has done, which holds for itself at once and for others when it is committed.
#[derive(Default)]
pub(crate) struct Staged {
    index: KeyIndex,
    changes: RefCell<Vec<Change>>,
}

#[derive(Clone, Copy)]
enum Change {
    Added(KeyHash, i64),
    Removed(KeyHash, i64),
}

impl Staged {
    pub(crate) fn on(index: KeyIndex) -> Self {
        Self { index, changes: RefCell::default() }
    }

    /// Whether it is known which rows there are.
    pub(crate) fn is_loaded(&self) -> bool {
        self.index.rows().is_loaded
    }

    /// Takes over which rows there are, oldest first.
    pub(crate) fn load(&self, found: impl IntoIterator<Item = (KeyHash, i64)>) {
        let mut rows = self.index.rows();
        *rows = Rows { is_loaded: true, ..Rows::default() };
        found.into_iter().for_each(|(hash, row)| rows.add(hash, row));
    }

    /// The rows that may be this key's, as this transaction sees them.
    pub(crate) fn candidates(&self, hash: KeyHash) -> Vec<i64> {
        let mut rows = self.index.candidates(hash).unwrap_or_default();
        for change in &*self.changes.borrow() {
            match change {
                Change::Added(added, row) if *added == hash => rows.push(*row),
                Change::Removed(_, gone) => rows.retain(|row| row != gone),
                Change::Added(..) => {}
            }
        }
        rows
    }

    pub(crate) fn added(&self, hash: KeyHash, row: i64) {
        self.changes.borrow_mut().push(Change::Added(hash, row));
    }

    pub(crate) fn removed(&self, hash: KeyHash, row: i64) {
        self.changes.borrow_mut().push(Change::Removed(hash, row));
    }

    /// The transaction is committed.
    pub(super) fn commit(&self) {
        let mut rows = self.index.rows();
        for change in self.changes.borrow_mut().drain(..) {
            match change {
                Change::Added(hash, row) => rows.add(hash, row),
                Change::Removed(hash, row) => rows.remove(hash, row),
            }
        }
    }

    /// The transaction has left nothing behind.
    pub(super) fn undo(&self) {
        self.changes.borrow_mut().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: KeyHash = KeyHash(1);
    const BOB: KeyHash = KeyHash(2);

    fn staged() -> (KeyIndex, Staged) {
        let index = KeyIndex::default();
        let staged = Staged::on(index.clone());
        staged.load([]);
        (index, staged)
    }

    #[test]
    fn what_is_staged_is_seen_by_its_transaction_and_by_others_once_it_is_committed() {
        let (index, staged) = staged();
        staged.added(ADA, 7);
        assert_eq!(staged.candidates(ADA), [7]);
        assert_eq!(index.candidates(ADA), Some(vec![]));
        staged.commit();
        assert_eq!(index.candidates(ADA), Some(vec![7]));
    }

    #[test]
    fn what_is_undone_was_never_there() {
        let (index, staged) = staged();
        staged.added(ADA, 7);
        staged.undo();
        staged.commit();
        assert!(staged.candidates(ADA).is_empty());
        assert_eq!(index.candidates(ADA), Some(vec![]));
    }

    #[test]
    fn keys_that_share_a_hash_are_all_candidates_whichever_of_them_goes() {
        for (gone, left) in [(3, vec![9, 5]), (5, vec![9, 3]), (9, vec![5, 3])] {
            let (index, staged) = staged();
            staged.load([(ADA, 3), (BOB, 4), (ADA, 5), (ADA, 9)]);
            staged.removed(ADA, gone);
            let mut seen = staged.candidates(ADA);
            staged.commit();
            let mut kept = index.candidates(ADA).unwrap();
            seen.sort_unstable_by(|left, right| right.cmp(left));
            kept.sort_unstable_by(|left, right| right.cmp(left));
            assert_eq!((seen, kept), (left.clone(), left));
            assert_eq!(index.candidates(BOB), Some(vec![4]));
        }
    }

    #[test]
    fn nothing_is_known_before_the_rows_were_read() {
        let index = KeyIndex::default();
        assert_eq!(index.candidates(ADA), None);
        Staged::on(index.clone()).load([(ADA, 1)]);
        assert_eq!(index.candidates(ADA), Some(vec![1]));
    }
}
