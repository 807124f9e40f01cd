//! Waiting for what the server does by itself.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often to look.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks again and again whether something has happened; how long that took.
#[expect(clippy::disallowed_methods, reason = "another process does it, and does not say so")]
pub(crate) fn until(
    patience: Duration,
    mut has_happened: impl FnMut() -> Result<bool>,
) -> Result<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        if has_happened()? {
            return Ok(begun.elapsed());
        }
        std::thread::sleep(PAUSE);
    }
    bail!("it has not happened within {} s", patience.as_secs())
}
