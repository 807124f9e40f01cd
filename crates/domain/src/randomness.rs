//! Sources of randomness.

use std::sync::{Mutex, PoisonError};

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng};

/// A source of random bytes that are fit for secrets. Code that needs randomness takes one as an
/// argument, so that tests are reproducible.
pub trait Randomness: Send + Sync + 'static {
    /// Overwrites `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// A random number, all values equally likely.
    fn number(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// A cryptographically secure generator that is seeded once.
#[derive(Debug)]
pub struct SeededRandomness(Mutex<StdRng>);

/// The operating system provided no randomness, without which no secret can be generated.
#[derive(Debug, thiserror::Error)]
#[error("the operating system's random number generator failed: {0}")]
pub struct NoRandomness(String);

impl SeededRandomness {
    /// A generator seeded by the operating system. Anything but a test uses this one.
    ///
    /// # Errors
    /// When the operating system provides no randomness.
    pub fn from_system() -> Result<Self, NoRandomness> {
        let generator =
            StdRng::try_from_rng(&mut SysRng).map_err(|error| NoRandomness(error.to_string()))?;
        Ok(Self(Mutex::new(generator)))
    }

    /// A generator that yields the same bytes for the same seed, for tests.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        // Ignoring poisoning is safe: filling bytes does not panic, so the state is consistent.
        let mut generator = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generator.fill_bytes(bytes);
    }
}
