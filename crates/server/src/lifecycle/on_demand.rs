//! Background tasks on demand: in tests and simulations they run only when they are requested.

use tokio::sync::{mpsc, oneshot};

/// Runs background tasks on demand. Clones belong to the same server.
#[derive(Clone)]
pub struct BackgroundTrigger(mpsc::UnboundedSender<RunRequest>);

impl BackgroundTrigger {
    /// Runs every background task once, and returns when all are done. Does nothing if they run
    /// periodically.
    pub async fn run(&self) {
        let (done, is_done) = oneshot::channel();
        if self.0.send(RunRequest(done)).is_ok() {
            // An error means that the server has stopped.
            let _ = is_done.await;
        }
    }
}

/// The requests of a [`BackgroundTrigger`].
pub(super) struct RunRequests(mpsc::UnboundedReceiver<RunRequest>);

impl RunRequests {
    pub(super) async fn next(&mut self) -> Option<RunRequest> {
        self.0.recv().await
    }
}

/// A request to run every task once.
pub(super) struct RunRequest(oneshot::Sender<()>);

impl RunRequest {
    pub(super) fn finish(self) {
        // The caller may have stopped waiting.
        let _ = self.0.send(());
    }
}

pub(super) fn channel() -> (BackgroundTrigger, RunRequests) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (BackgroundTrigger(sender), RunRequests(receiver))
}
