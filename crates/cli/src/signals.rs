//! Signals that stop a server (§13).

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit codes of programs that a signal ended, as shells define them: 128 plus the signal.
const HUNG_UP: i32 = 128 + 1;
const INTERRUPTED: i32 = 128 + 2;
const TERMINATED: i32 = 128 + 15;

/// The handlers of SIGINT (Ctrl-C), SIGTERM, and SIGHUP (the terminal is gone).
pub(crate) struct Signals {
    hang_up: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Installs the handlers. Before that, the signals end the process.
    pub(crate) fn install() -> io::Result<Self> {
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the first signal. The next one exits the process at once, which loses nothing that
    /// was acknowledged.
    pub(crate) async fn stop(mut self) {
        self.next().await;
        tokio::spawn(async move { std::process::exit(self.next().await) });
    }

    /// Waits for a signal, and returns its exit code.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.hang_up.recv() => HUNG_UP,
            _ = self.interrupt.recv() => INTERRUPTED,
            _ = self.terminate.recv() => TERMINATED,
        }
    }
}
