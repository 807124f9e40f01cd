//! Time and chance for retries, by the real clock; whoever waits at a terminal is told.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use client::{Surroundings, Wait};
use domain::{Clock, NoRandomness, Randomness, SeededRandomness, SystemClock};

/// Waits, and says so on standard error where somebody is watching.
pub(super) struct Patience {
    randomness: SeededRandomness,
    is_watched: AtomicBool,
}

impl Patience {
    pub(super) fn new() -> Result<Self, NoRandomness> {
        Ok(Self {
            randomness: SeededRandomness::from_system()?,
            is_watched: io::stderr().is_terminal().into(),
        })
    }

    /// Says nothing from now on: it would stand in the middle of a picture.
    pub(super) fn hush(&self) {
        self.is_watched.store(false, Ordering::Relaxed);
    }
}

impl Surroundings for Patience {
    fn elapsed(&self) -> Duration {
        SystemClock.elapsed()
    }

    fn wait(&self, pause: Duration) -> Wait<'_> {
        if self.is_watched.load(Ordering::Relaxed) {
            // Who cannot be told waits all the same.
            let _ = writeln!(
                io::stderr(),
                "not answered yet, trying again in {:.1} s",
                pause.as_secs_f32()
            );
        }
        Box::pin(tokio::time::sleep(pause))
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.randomness.fill(bytes);
    }
}
