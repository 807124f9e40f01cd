//! When and how often to try again.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, NoRandomness, Randomness, SeededRandomness, SystemClock};

use crate::ClientError;

/// How often, and for how long, to try again what failed for a reason that may pass.
///
/// Between two attempts lies a pause whose upper bound doubles each time, of which between half and
/// all is waited, so that many clients do not come back together. A server that asks for more time
/// (`Retry-After`) is given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// At most so many attempts, the first included.
    pub attempts: u32,
    /// The upper bound of the first pause.
    pub first_pause: Duration,
    /// The upper bound of every pause. Only `Retry-After` can be longer.
    pub longest_pause: Duration,
    /// No attempt begins later than this after the first.
    pub patience: Duration,
}

impl Default for RetryPolicy {
    /// Six attempts within a minute, which is about eight seconds of pauses.
    fn default() -> Self {
        Self {
            attempts: 6,
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(5),
            patience: Duration::from_mins(1),
        }
    }
}

/// A wait that is over some time.
pub type Wait<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Time and chance, as retries need them. Tests bring their own.
pub trait Surroundings: Send + Sync + 'static {
    /// How long it is since some moment in the past, always the same one.
    fn elapsed(&self) -> Duration;

    /// Lets `pause` go by.
    fn wait(&self, pause: Duration) -> Wait<'_>;

    /// Overwrites `bytes` with unpredictable ones.
    fn fill(&self, bytes: &mut [u8]);
}

/// Trying again, by a policy.
#[derive(Clone)]
pub struct Retries {
    policy: RetryPolicy,
    surroundings: Arc<dyn Surroundings>,
}

impl Retries {
    /// Retries by the real clock.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn new(policy: RetryPolicy) -> Result<Self, NoRandomness> {
        Ok(Self::within(Arc::new(System(SeededRandomness::from_system()?)), policy))
    }

    /// Retries in these surroundings.
    #[must_use]
    pub fn within(surroundings: Arc<dyn Surroundings>, policy: RetryPolicy) -> Self {
        Self { policy, surroundings }
    }

    /// An idempotency key that nobody has had before: 128 random bits.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        let mut bytes = [0; 16];
        self.surroundings.fill(&mut bytes);
        format!("{:032x}", u128::from_le_bytes(bytes))
    }

    /// The outcome of the first attempt that succeeds or fails for good, or of the last one.
    pub(crate) async fn insist<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let start = self.surroundings.elapsed();
        let mut made = 0;
        loop {
            let error = match attempt().await {
                Err(error) if error.is_transient() => error,
                outcome => return outcome,
            };
            made += 1;
            let pause = self.pause(made).max(error.retry_after().unwrap_or_default());
            let spent = self.surroundings.elapsed().saturating_sub(start);
            if made >= self.policy.attempts || spent.saturating_add(pause) > self.policy.patience {
                return Err(error);
            }
            self.surroundings.wait(pause).await;
        }
    }

    /// Lets some time go by.
    pub(crate) async fn rest(&self, pause: Duration) {
        self.surroundings.wait(pause).await;
    }

    /// How long to wait after so many attempts.
    fn pause(&self, made: u32) -> Duration {
        let doublings = made.saturating_sub(1).min(31);
        let bound =
            self.policy.first_pause.saturating_mul(1 << doublings).min(self.policy.longest_pause);
        let mut bytes = [0; 8];
        self.surroundings.fill(&mut bytes);
        let half = bound / 2;
        let jitter = u64::try_from(half.as_millis()).unwrap_or(u64::MAX - 1) + 1;
        half + Duration::from_millis(u64::from_le_bytes(bytes) % jitter)
    }
}

/// The surroundings outside of tests.
struct System(SeededRandomness);

impl Surroundings for System {
    fn elapsed(&self) -> Duration {
        SystemClock.elapsed()
    }

    fn wait(&self, pause: Duration) -> Wait<'_> {
        Box::pin(tokio::time::sleep(pause))
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}
