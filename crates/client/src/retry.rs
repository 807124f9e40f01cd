//! Retries with exponential backoff and jitter.
//!
//! This is not a retry library because two rules here are specific: `Retry-After` extends a delay,
//! and no attempt starts after the policy's time limit.

use std::sync::Arc;
use std::time::Duration;

use domain::{ClockAndRng, NoRandomness};
use futures_util::future::BoxFuture;

use crate::ClientError;

/// How often and how long to retry a call that failed with a transient error
/// ([`ClientError::is_transient`]).
///
/// The delay before a retry is random between half of a bound and the bound, which doubles with
/// every retry. If the server sends `Retry-After`, the delay is at least that long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The maximum number of attempts, including the first.
    pub max_attempts: u32,
    /// The bound of the first delay.
    pub initial_delay: Duration,
    /// The greatest bound of a delay. Only `Retry-After` makes a delay longer.
    pub max_delay: Duration,
    /// The time after the start of the first attempt when the last one can start.
    pub max_elapsed: Duration,
}

impl Default for RetryPolicy {
    /// Six attempts within a minute, with delays of at most about eight seconds in total.
    fn default() -> Self {
        Self {
            max_attempts: 6,
            initial_delay: Duration::from_millis(250),
            max_delay: Duration::from_secs(5),
            max_elapsed: Duration::from_mins(1),
        }
    }
}

type Sleep = dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync;

/// Retries calls according to a [`RetryPolicy`]. Give it to [`WorkspaceApi::with_retries`].
///
/// [`WorkspaceApi::with_retries`]: crate::WorkspaceApi::with_retries
#[derive(Clone)]
pub struct Retries {
    policy: RetryPolicy,
    clock_and_rng: ClockAndRng,
    sleep: Arc<Sleep>,
}

impl Retries {
    /// Retries with the system clock and randomness of the operating system.
    ///
    /// # Errors
    /// When the operating system provides no randomness.
    pub fn new(policy: RetryPolicy) -> Result<Self, NoRandomness> {
        Ok(Self::with_clock_and_rng(policy, ClockAndRng::system()?))
    }

    /// Retries with this clock and this source of randomness, for tests.
    #[must_use]
    pub fn with_clock_and_rng(policy: RetryPolicy, clock_and_rng: ClockAndRng) -> Self {
        let sleep =
            Arc::new(|delay| -> BoxFuture<'static, ()> { Box::pin(tokio::time::sleep(delay)) });
        Self { policy, clock_and_rng, sleep }
    }

    /// Waits with `sleep` before a retry instead of [`tokio::time::sleep`]: to tell a user about
    /// the delay, or to skip it in a test.
    #[must_use]
    pub fn with_sleep<F>(self, sleep: impl Fn(Duration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let sleep = Arc::new(move |delay| -> BoxFuture<'static, ()> { Box::pin(sleep(delay)) });
        Self { sleep, ..self }
    }

    /// A random idempotency key: 128 bits as 32 hexadecimal digits.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        let mut bytes = [0; 16];
        self.clock_and_rng.randomness().fill(&mut bytes);
        format!("{:032x}", u128::from_le_bytes(bytes))
    }

    /// Runs `attempt` until it succeeds, fails with an error that is not transient, or the policy
    /// allows no further attempt. Returns the result of the last attempt.
    pub(crate) async fn run<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let start = self.clock_and_rng.elapsed();
        let mut attempts = 0;
        loop {
            let error = match attempt().await {
                Err(error) if error.is_transient() => error,
                result => return result,
            };
            attempts += 1;
            let delay = self.delay(attempts).max(error.retry_after().unwrap_or_default());
            let elapsed = self.clock_and_rng.elapsed().saturating_sub(start);
            if attempts >= self.policy.max_attempts
                || elapsed.saturating_add(delay) > self.policy.max_elapsed
            {
                return Err(error);
            }
            self.sleep(delay).await;
        }
    }

    /// Waits for `delay`.
    pub(crate) async fn sleep(&self, delay: Duration) {
        (self.sleep)(delay).await;
    }

    /// The random delay after this many attempts.
    fn delay(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let RetryPolicy { initial_delay, max_delay, .. } = self.policy;
        let half = initial_delay.saturating_mul(1 << doublings).min(max_delay) / 2;
        let jitter = u64::try_from(half.as_millis()).unwrap_or(u64::MAX - 1) + 1;
        half + Duration::from_millis(self.clock_and_rng.randomness().number() % jitter)
    }
}
