//! Writes that share a transaction, whatever their types.
//!
//! Writes of one type form a typed batch, which is applied as a whole. If a typed batch fails, the
//! transaction is rolled back. The failed batch is then applied again in two halves, and the others
//! without it. After a few rounds the write that fails is alone, and only it gets the error. A
//! write is data, so it can be applied again.

mod reply;
mod typed;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

pub(crate) use self::typed::{AnyTypedBatch, QueuedWrites, queued, queued_all};
use crate::StoreError;
use crate::transaction::Transaction;

/// Writes that share a transaction.
pub(crate) struct Batch {
    typed: Vec<Box<dyn AnyTypedBatch>>,
}

/// Why a batch was not committed. Nothing of it was written, unless the connection broke during the
/// commit.
pub(crate) enum Failure {
    /// This typed batch failed.
    Typed { index: usize, error: StoreError },
    /// The whole batch failed.
    Whole(StoreError),
}

impl Batch {
    /// Forms a batch, without the writes whose callers have all hung up.
    pub(crate) fn of(queued: impl IntoIterator<Item = Box<dyn QueuedWrites>>) -> Self {
        let mut typed = Vec::new();
        for writes in queued.into_iter().filter(|writes| !writes.is_abandoned()) {
            writes.join(&mut typed);
        }
        Self { typed }
    }

    /// One batch for each type.
    pub(crate) fn split_by_type(self) -> impl Iterator<Item = Self> {
        self.typed.into_iter().map(|typed| Self { typed: vec![typed] })
    }

    /// The number of writes.
    pub(crate) fn len(&self) -> usize {
        self.typed.iter().map(|typed| typed.len()).sum()
    }

    /// Whether it must not run beside an earlier batch.
    pub(crate) fn waits_for_earlier(&self) -> bool {
        self.typed.iter().any(|typed| typed.waits_for_earlier())
    }

    /// Applies all writes. A panic is an error of the typed batch that panicked.
    pub(crate) async fn apply(&mut self, transaction: &Transaction<'_>) -> Result<(), Failure> {
        for (index, typed) in self.typed.iter_mut().enumerate() {
            let error = match AssertUnwindSafe(typed.apply(transaction)).catch_unwind().await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error,
                Err(_panic) => StoreError::Internal("a write panicked".into()),
            };
            return Err(Failure::Typed { index, error });
        }
        Ok(())
    }

    /// Commits with `commit`. If a typed batch fails, commits its halves and then the other typed
    /// batches, so that writes of one type are settled in the order in which they came. Every
    /// caller gets its result.
    pub(crate) async fn commit_with(
        self,
        mut commit: impl AsyncFnMut(&mut Self) -> Result<(), Failure>,
    ) {
        let mut waiting = vec![self];
        while let Some(mut batch) = waiting.pop() {
            if batch.typed.is_empty() {
                continue;
            }
            match commit(&mut batch).await {
                Ok(()) => batch.typed.into_iter().for_each(|typed| typed.committed()),
                // Without the database, the parts would fail as well.
                Err(
                    Failure::Whole(error)
                    | Failure::Typed { error: error @ StoreError::Unavailable { .. }, .. },
                ) => batch.typed.into_iter().for_each(|typed| typed.failed(&error)),
                Err(Failure::Typed { index, error }) => {
                    let failed = batch.typed.remove(index);
                    waiting.push(batch);
                    match failed.halves() {
                        Ok(halves) => {
                            let halves = halves.map(|typed| Self { typed: vec![typed] });
                            // The stack's top is the first half: first come, first served.
                            waiting.extend(halves.into_iter().rev());
                        }
                        Err(typed) => typed.failed(&error),
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::StagedKeys;
    use crate::sqlite::transaction::SqliteTransaction;
    use crate::transaction::EngineTransaction;
    use crate::write::Write;

    /// A write that does nothing, or fails.
    struct Step {
        fails: bool,
    }

    impl Write for Step {
        type Outcome = ();

        async fn apply_batch(
            writes: &[Self],
            _transaction: &Transaction<'_>,
        ) -> Result<Vec<()>, StoreError> {
            if writes.iter().any(|write| write.fails) {
                return Err(StoreError::Internal("requested failure".into()));
            }
            Ok(vec![(); writes.len()])
        }
    }

    /// Settles writes, of which these fail. For each attempt to commit: how many writes it has, and
    /// how many have been answered before it.
    fn settle(failing: [bool; 8]) -> (Vec<(usize, usize)>, Vec<bool>) {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let keys = StagedKeys::default();
        let (jobs, mut results): (Vec<_>, Vec<_>) =
            failing.into_iter().map(|fails| queued(Step { fails })).unzip();
        let mut attempts = Vec::new();
        let settled = Batch::of(jobs).commit_with(async |batch| {
            let answered = results.iter().filter(|result| !result.is_empty()).count();
            attempts.push((batch.len(), answered));
            let sqlite = SqliteTransaction { connection: &connection, keys: &keys };
            batch.apply(&Transaction(EngineTransaction::Sqlite(sqlite))).await
        });
        settled.now_or_never().unwrap();
        let succeeded = results.iter_mut().map(|result| result.try_recv().unwrap().is_ok());
        let succeeded = succeeded.collect();
        (attempts, succeeded)
    }

    #[test]
    fn a_batch_that_fails_is_settled_first_come_first_served() {
        let mut failing = [false; 8];
        failing[0] = true;
        let (attempts, succeeded) = settle(failing);
        // The first write gets its error before any other is committed.
        assert_eq!(attempts, [(8, 0), (4, 0), (2, 0), (1, 0), (1, 1), (2, 2), (4, 4)]);
        assert_eq!(succeeded, failing.map(|fails| !fails));
    }

    #[test]
    fn the_first_half_is_answered_before_the_second_half_is_committed() {
        let mut failing = [false; 8];
        failing[6] = true;
        let (attempts, succeeded) = settle(failing);
        assert_eq!(attempts, [(8, 0), (4, 0), (4, 4), (2, 4), (2, 6), (1, 6), (1, 7)]);
        assert_eq!(succeeded, failing.map(|fails| !fails));
    }
}
