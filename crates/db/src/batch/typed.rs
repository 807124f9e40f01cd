//! Writes of one type, in the queue and in a batch.

use std::any::Any;
use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use tokio::sync::oneshot;

use super::reply::{Reply, SharedReply};
use crate::StoreError;
use crate::transaction::Transaction;
use crate::write::{Write, WriteResult};

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
    let shared = Arc::new(SharedReply::new(writes.len(), reply));
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
    fn waits_for_earlier(&self) -> bool;
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

    fn waits_for_earlier(&self) -> bool {
        W::WAITS_FOR_EARLIER
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
