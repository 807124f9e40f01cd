//! Waiting for a change in another process.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// The pause between two polls.
const INTERVAL: Duration = Duration::from_millis(20);

/// Polls until the condition holds, and returns how long that took. Fails after the timeout.
#[expect(clippy::disallowed_methods, reason = "the other process sends no notification")]
pub(crate) fn wait_until(
    timeout: Duration,
    mut condition: impl FnMut() -> Result<bool>,
) -> Result<Duration> {
    let start = Instant::now();
    while start.elapsed() < timeout {
        if condition()? {
            return Ok(start.elapsed());
        }
        std::thread::sleep(INTERVAL);
    }
    bail!("the server did not get there within {} s", timeout.as_secs())
}
