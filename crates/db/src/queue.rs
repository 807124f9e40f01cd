//! The queue to a writer: writes wait here for the thread that commits them in batches.

use std::thread::JoinHandle;

use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::StoreError;
use crate::batch::{QueuedWrites, queued, queued_all};
use crate::write::{Write, WriteResult};

/// How many writes can wait: one for each connection that can be open. At 20,000 writes per second
/// the last one waits for less than a second. Further writes are refused.
pub(crate) const LENGTH: usize = 16_384;

/// The largest number of writes in a transaction. It bounds how long the first waits for the last.
pub(crate) const LARGEST_BATCH: usize = 256;

/// A queue and the thread that empties it.
pub(crate) struct Queue {
    /// `None` once closed.
    sender: Mutex<Option<mpsc::Sender<Box<dyn QueuedWrites>>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Queue {
    /// Starts the thread. It ends when the queue is closed and empty.
    pub(crate) fn start(
        run_writer: impl FnOnce(mpsc::Receiver<Box<dyn QueuedWrites>>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(LENGTH);
        let thread = std::thread::Builder::new().name("store-writer".into());
        let writer = thread.spawn(move || run_writer(receiver))?;
        Ok(Self { sender: Mutex::new(Some(sender)), writer: Mutex::new(Some(writer)) })
    }

    /// Queues a write and waits for its result.
    pub(crate) async fn write<W: Write>(&self, write: W) -> WriteResult<W> {
        let (queued, result) = queued(write);
        self.send(queued)?;
        result.await.map_err(|_| StoreError::Closed)?
    }

    /// Queues writes and waits for the result of each.
    pub(crate) async fn write_all<W: Write>(&self, writes: Vec<W>) -> Vec<WriteResult<W>> {
        let count = writes.len();
        let (queued, results) = queued_all(writes);
        match self.send(queued) {
            Ok(()) => results.await.unwrap_or_else(|_| all_failed(count, &StoreError::Closed)),
            Err(error) => all_failed(count, &error),
        }
    }

    /// How many entries wait for the writer: each is one write, or several that belong together.
    pub(crate) fn waiting(&self) -> usize {
        let sender = self.sender.lock();
        sender.as_ref().map_or(0, |sender| LENGTH.saturating_sub(sender.capacity()))
    }

    fn send(&self, queued: Box<dyn QueuedWrites>) -> Result<(), StoreError> {
        let sender = self.sender.lock().clone().ok_or(StoreError::Closed)?;
        sender.try_send(queued).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })
    }

    /// Refuses further writes, and waits until the thread has committed those in the queue.
    pub(crate) async fn close(&self) {
        drop(self.sender.lock().take());
        let writer = self.writer.lock().take();
        if let Some(writer) = writer {
            // The thread catches the panics of writes. If it has panicked anyway, there is nothing
            // left to wait for.
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
    }
}

/// The same error for each of several writes.
pub(crate) fn all_failed<T>(count: usize, error: &StoreError) -> Vec<Result<T, StoreError>> {
    (0..count).map(|_| Err(error.clone())).collect()
}
