//! The sources of time, randomness and ids of a process.

use std::sync::Arc;
use std::time::Duration;

use crate::{Clock, IdGenerator, Randomness, SeededRandomness, SystemClock, Timestamp};

/// The clock, the source of randomness and the id generator of a process. Clones share them.
#[derive(Clone)]
pub struct ClockAndRng {
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    ids: Arc<IdGenerator>,
}

impl ClockAndRng {
    /// Uses this clock and this source of randomness.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>) -> Self {
        let ids = Arc::new(IdGenerator::new(Arc::clone(&clock), Arc::clone(&randomness)));
        Self { clock, randomness, ids }
    }

    /// Uses the system clock and randomness seeded by the operating system.
    ///
    /// # Errors
    /// When the operating system provides no randomness.
    pub fn system() -> Result<Self, crate::NoRandomness> {
        Ok(Self::new(Arc::new(SystemClock), Arc::new(SeededRandomness::from_system()?)))
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time since a fixed moment in the past. It never decreases.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// The source of randomness.
    #[must_use]
    pub fn randomness(&self) -> &dyn Randomness {
        self.randomness.as_ref()
    }

    /// The id generator.
    #[must_use]
    pub fn ids(&self) -> &IdGenerator {
        &self.ids
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }
}
