//! How the operating system asks a server to stop (§13).

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell makes of a program that a signal has ended: 128 and the signal's number.
const INTERRUPTED: i32 = 128 + 2;
const TERMINATED: i32 = 128 + 15;

/// SIGINT (Ctrl-C) and SIGTERM, from now on in our hands.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes the signals over. Until then they end the process, as usual.
    pub(crate) fn take() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the first one. From then on the next one ends the process at once: whoever asks
    /// twice does not want to wait, and what is durable is durable.
    pub(crate) async fn stop(mut self) {
        self.next().await;
        tokio::spawn(async move { std::process::exit(self.next().await) });
    }

    /// The exit code that goes with the next signal.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPTED,
            _ = self.terminate.recv() => TERMINATED,
        }
    }
}
