//! The pauses between retries, with a message in a terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use client::{Surroundings, Wait};
use domain::{Clock, NoRandomness, Randomness, SeededRandomness, SystemClock};

/// Waits by the system's clock, and says so on standard error if that is a terminal.
pub(super) struct RetryWait {
    randomness: SeededRandomness,
    is_verbose: AtomicBool,
}

impl RetryWait {
    pub(super) fn new() -> Result<Self, NoRandomness> {
        Ok(Self {
            randomness: SeededRandomness::from_system()?,
            is_verbose: io::stderr().is_terminal().into(),
        })
    }

    /// Prints nothing from now on: a message would break the display of `tests watch`.
    pub(super) fn silence(&self) {
        self.is_verbose.store(false, Ordering::Relaxed);
    }
}

impl Surroundings for RetryWait {
    fn elapsed(&self) -> Duration {
        SystemClock.elapsed()
    }

    fn wait(&self, pause: Duration) -> Wait<'_> {
        if self.is_verbose.load(Ordering::Relaxed) {
            // If standard error is closed, the retry still happens.
            let _ = writeln!(
                io::stderr(),
                "no response yet, trying again in {:.1} s",
                pause.as_secs_f32()
            );
        }
        Box::pin(tokio::time::sleep(pause))
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.randomness.fill(bytes);
    }
}
