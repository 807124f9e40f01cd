//! Where the results of writes go.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::StoreError;
use crate::write::{Write, WriteResult};

/// Where the result of a write goes.
pub(super) enum Reply<W: Write> {
    Single(oneshot::Sender<WriteResult<W>>),
    /// One of several that are answered together, and its position among them.
    Shared(Arc<SharedReply<W>>, usize),
}

impl<W: Write> Reply<W> {
    pub(super) fn send(self, result: WriteResult<W>) {
        match self {
            // A caller that has hung up learns the result by repeating the request.
            Self::Single(reply) => drop(reply.send(result)),
            Self::Shared(shared, position) => shared.set(position, result),
        }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Single(reply) => reply.is_closed(),
            Self::Shared(shared, _) => shared.reply.as_ref().is_none_or(oneshot::Sender::is_closed),
        }
    }
}

/// The results of several writes, which can be committed in different transactions. They are sent
/// when the last reference is dropped.
pub(super) struct SharedReply<W: Write> {
    results: Mutex<Vec<WriteResult<W>>>,
    reply: Option<oneshot::Sender<Vec<WriteResult<W>>>>,
}

impl<W: Write> SharedReply<W> {
    /// The results are sent to `reply`. Those that are never set are `Closed`: their writes did not
    /// reach the writer.
    pub(super) fn new(count: usize, reply: oneshot::Sender<Vec<WriteResult<W>>>) -> Self {
        let results = (0..count).map(|_| Err(StoreError::Closed)).collect();
        Self { results: Mutex::new(results), reply: Some(reply) }
    }

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
