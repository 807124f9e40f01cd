//! Time, randomness and ids, as the program is given them.

use std::sync::Arc;
use std::time::Duration;

use crate::{Clock, Ids, Randomness, SeededRandomness, SystemClock, Timestamp};

/// The clock, the source of randomness and the ids that a process works with. Clones share them.
#[derive(Clone)]
pub struct ClockAndRng {
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    ids: Arc<Ids>,
}

impl ClockAndRng {
    /// With this clock and this source of randomness.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>) -> Self {
        let ids = Arc::new(Ids::new(Arc::clone(&clock), Arc::clone(&randomness)));
        Self { clock, randomness, ids }
    }

    /// The real clock and the randomness of the operating system.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn system() -> Result<Self, crate::NoRandomness> {
        Ok(Self::new(Arc::new(SystemClock), Arc::new(SeededRandomness::from_system()?)))
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How long it is since some moment in the past, always the same one. This never goes back.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// The source of randomness.
    #[must_use]
    pub fn randomness(&self) -> &dyn Randomness {
        self.randomness.as_ref()
    }

    /// The maker of ids.
    #[must_use]
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }
}
