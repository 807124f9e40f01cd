//! Tells a user at a terminal that a call is about to be retried.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Writes the delay before a retry to standard error, if that is a terminal.
pub(super) struct RetryNotice {
    is_enabled: AtomicBool,
}

impl RetryNotice {
    pub(super) fn new() -> Self {
        Self { is_enabled: io::stderr().is_terminal().into() }
    }

    /// Writes nothing from now on: a notice would break the display of `tests watch`.
    pub(super) fn disable(&self) {
        self.is_enabled.store(false, Ordering::Relaxed);
    }

    /// Writes that the next attempt starts after `delay`.
    pub(super) fn write(&self, delay: Duration) {
        if self.is_enabled.load(Ordering::Relaxed) {
            let delay = delay.as_secs_f32();
            // If standard error is closed, the call is retried anyway.
            let _ = writeln!(io::stderr(), "no response yet, trying again in {delay:.1} s");
        }
    }
}
