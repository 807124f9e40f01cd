//! Where chance comes from.

use std::sync::{Mutex, PoisonError};

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng};

/// A source of unpredictable bytes. Passed in wherever chance matters, so that a test can repeat
/// itself exactly.
pub trait Randomness: Send + Sync + 'static {
    /// Overwrites `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);

    /// A random number, every value equally likely.
    fn number(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// A cryptographic generator, seeded once.
#[derive(Debug)]
pub struct SeededRandomness(Mutex<StdRng>);

/// The operating system gave no randomness; nothing that makes secrets can start.
#[derive(Debug, thiserror::Error)]
#[error("the operating system's random number generator failed: {0}")]
pub struct NoRandomness(String);

impl SeededRandomness {
    /// Seeded from the operating system: the only choice outside tests.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn from_system() -> Result<Self, NoRandomness> {
        let generator =
            StdRng::try_from_rng(&mut SysRng).map_err(|error| NoRandomness(error.to_string()))?;
        Ok(Self(Mutex::new(generator)))
    }

    /// Seeded with a number: the same bytes in the same order, each time.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        // A generator has no state that a panic elsewhere could leave half written.
        let mut generator = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generator.fill_bytes(bytes);
    }
}
