//! Background work by hand: for tests and simulations, where nothing happens unless it is asked
//! for.

use tokio::sync::{mpsc, oneshot};

/// Asks a server for rounds of background work. Clones ask the same server.
#[derive(Clone)]
pub struct Rounds(mpsc::UnboundedSender<Round>);

impl Rounds {
    /// Runs every background task once, and returns when all are done. Does nothing where they run
    /// periodically.
    pub async fn run(&self) {
        let (done, is_done) = oneshot::channel();
        if self.0.send(Round(done)).is_ok() {
            // An error means that the server has stopped: then there is nothing left to do.
            let _ = is_done.await;
        }
    }
}

/// What [`Rounds`] asks for.
pub(super) struct RoundRequests(mpsc::UnboundedReceiver<Round>);

impl RoundRequests {
    pub(super) async fn next(&mut self) -> Option<Round> {
        self.0.recv().await
    }
}

/// One round, and whoever waits for it.
pub(super) struct Round(oneshot::Sender<()>);

impl Round {
    pub(super) fn finish(self) {
        // Whoever asked may have gone.
        let _ = self.0.send(());
    }
}

pub(super) fn channel() -> (Rounds, RoundRequests) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Rounds(sender), RoundRequests(receiver))
}
