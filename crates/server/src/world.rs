//! Time and chance, as the server is given them.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Ids, Randomness, SeededRandomness, SystemClock, Timestamp};

/// Where the time and chance come from that a server works with.
#[derive(Clone)]
pub struct World {
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    ids: Arc<Ids>,
}

impl World {
    /// A world with this clock and this source of chance.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>) -> Self {
        let ids = Arc::new(Ids::new(Arc::clone(&clock), Arc::clone(&randomness)));
        Self { clock, randomness, ids }
    }

    /// The real one.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn real() -> Result<Self, domain::NoRandomness> {
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

    /// The source of chance.
    #[must_use]
    pub fn randomness(&self) -> &dyn Randomness {
        self.randomness.as_ref()
    }

    /// The maker of ids.
    #[must_use]
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }
}
