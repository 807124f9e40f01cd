//! Writes that share a transaction, whatever their types.
//!
//! Writes of one type form a typed batch, which is applied as a whole. If a typed batch fails, the
//! transaction is rolled back. The failed batch is then applied again in two halves, and the others
//! without it. After a few rounds the write that fails is alone, and only it gets the error. A
//! write is data, so it can be applied again.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::StoreError;
use crate::write::{Transaction, Write, WriteResult};

/// Where the result of a write goes.
enum Reply<W: Write> {
    Single(oneshot::Sender<WriteResult<W>>),
    /// One of several that are answered together, and its position among them.
    Shared(Arc<SharedReply<W>>, usize),
}

impl<W: Write> Reply<W> {
    fn send(self, result: WriteResult<W>) {
        match self {
            // A caller that has hung up learns the result by repeating the request.
            Self::Single(reply) => drop(reply.send(result)),
            Self::Shared(shared, position) => shared.set(position, result),
        }
    }

    fn is_abandoned(&self) -> bool {
        match self {
            Self::Single(reply) => reply.is_closed(),
            Self::Shared(shared, _) => shared.reply.as_ref().is_none_or(oneshot::Sender::is_closed),
        }
    }
}

/// The results of several writes, which can be committed in different transactions. They are sent
/// when the last reference is dropped.
struct SharedReply<W: Write> {
    results: Mutex<Vec<WriteResult<W>>>,
    reply: Option<oneshot::Sender<Vec<WriteResult<W>>>>,
}

impl<W: Write> SharedReply<W> {
    fn set(&self, position: usize, result: WriteResult<W>) {
        if let Some(slot) = self.results.lock().get_mut(position) {
            *slot = result;
        }
    }
}

impl<W: Write> Drop for SharedReply<W> {
    fn drop(&mut self) {
        let results = std::mem::take(self.results.get_mut());
        if let Some(reply) = self.reply.take() {
            // A caller that has hung up learns the results by repeating the request.
            let _ = reply.send(results);
        }
    }
}

/// Writes of one type in the queue to the writer, with their replies.
struct Queued<W: Write> {
    writes: Vec<W>,
    replies: Vec<Reply<W>>,
}

/// Writes in the queue, whatever their type.
pub(crate) trait QueuedWrites: Any + Send {
    /// Whether every caller has hung up.
    fn is_abandoned(&self) -> bool;

    /// Joins the typed batch of its type, or begins one.
    fn join(self: Box<Self>, batches: &mut Vec<Box<dyn AnyTypedBatch>>);
}

/// Prepares a write for the queue; its result arrives at the receiver.
pub(crate) fn queued<W: Write>(
    write: W,
) -> (Box<dyn QueuedWrites>, oneshot::Receiver<WriteResult<W>>) {
    let (reply, result) = oneshot::channel();
    (Box::new(Queued { writes: vec![write], replies: vec![Reply::Single(reply)] }), result)
}

/// Prepares several writes for the queue; their results arrive together, in their order. Each
/// succeeds or fails alone.
pub(crate) fn queued_all<W: Write>(
    writes: Vec<W>,
) -> (Box<dyn QueuedWrites>, oneshot::Receiver<Vec<WriteResult<W>>>) {
    let (reply, received) = oneshot::channel();
    // The result of a write that never reaches the writer.
    let results = writes.iter().map(|_| Err(StoreError::Closed)).collect();
    let shared = Arc::new(SharedReply { results: Mutex::new(results), reply: Some(reply) });
    let replies =
        (0..writes.len()).map(|position| Reply::Shared(Arc::clone(&shared), position)).collect();
    (Box::new(Queued { writes, replies }), received)
}

impl<W: Write> QueuedWrites for Queued<W> {
    fn is_abandoned(&self) -> bool {
        self.replies.iter().all(Reply::is_abandoned)
    }

    fn join(self: Box<Self>, batches: &mut Vec<Box<dyn AnyTypedBatch>>) {
        let Self { mut writes, mut replies } = *self;
        let same =
            batches.iter_mut().find_map(|batch| batch.as_any().downcast_mut::<TypedBatch<W>>());
        if let Some(batch) = same {
            batch.writes.append(&mut writes);
            batch.replies.append(&mut replies);
        } else {
            batches.push(Box::new(TypedBatch { writes, replies, outcomes: Vec::new() }));
        }
    }
}

/// A typed batch, whatever its type.
pub(crate) trait AnyTypedBatch {
    fn as_any(&mut self) -> &mut dyn Any;
    fn len(&self) -> usize;
    fn apply<'a>(
        &'a mut self,
        transaction: &'a Transaction<'_>,
    ) -> LocalBoxFuture<'a, Result<(), StoreError>>;
    /// Sends the outcomes, which are durable now.
    fn committed(self: Box<Self>);
    fn failed(self: Box<Self>, error: &StoreError);
    /// The two halves; the batch itself if it has only one write.
    fn halves(self: Box<Self>) -> Result<[Box<dyn AnyTypedBatch>; 2], Box<dyn AnyTypedBatch>>;
}

/// Writes of one type that are applied together.
struct TypedBatch<W: Write> {
    writes: Vec<W>,
    replies: Vec<Reply<W>>,
    outcomes: Vec<W::Outcome>,
}

impl<W: Write> AnyTypedBatch for TypedBatch<W> {
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn len(&self) -> usize {
        self.writes.len()
    }

    fn apply<'a>(
        &'a mut self,
        transaction: &'a Transaction<'_>,
    ) -> LocalBoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.outcomes = W::apply_batch(&self.writes, transaction).await?;
            if self.outcomes.len() == self.writes.len() {
                return Ok(());
            }
            Err(StoreError::Internal("writes and their outcomes do not match".into()))
        })
    }

    fn committed(self: Box<Self>) {
        for (reply, outcome) in self.replies.into_iter().zip(self.outcomes) {
            reply.send(Ok(outcome));
        }
    }

    fn failed(self: Box<Self>, error: &StoreError) {
        for reply in self.replies {
            reply.send(Err(error.clone()));
        }
    }

    fn halves(mut self: Box<Self>) -> Result<[Box<dyn AnyTypedBatch>; 2], Box<dyn AnyTypedBatch>> {
        if self.writes.len() < 2 {
            return Err(self);
        }
        let middle = self.writes.len() / 2;
        let second = Self {
            writes: self.writes.split_off(middle),
            replies: self.replies.split_off(middle),
            outcomes: Vec::new(),
        };
        Ok([self, Box::new(second)])
    }
}

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
    use crate::sqlite::{SqliteTransaction, StagedKeys};
    use crate::write::EngineTransaction;

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
                return Err(StoreError::Internal("told to".into()));
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
