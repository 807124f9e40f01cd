//! What a load has shown.

use std::time::Duration;

use anyhow::{Result, bail};
use hdrhistogram::Histogram;

/// Microseconds, to three digits.
pub(crate) struct Measured {
    latencies: Histogram<u64>,
    took: Duration,
}

impl Measured {
    pub(crate) fn new(latencies: Histogram<u64>, took: Duration) -> Result<Self> {
        if latencies.is_empty() {
            bail!("nothing was answered");
        }
        Ok(Self { latencies, took })
    }

    pub(crate) fn per_second(&self) -> f64 {
        let answered = u32::try_from(self.latencies.len()).unwrap_or(u32::MAX);
        f64::from(answered) / self.took.as_secs_f64()
    }

    /// The latency, in milliseconds, that this share of the answers did not exceed.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let micros = u32::try_from(self.latencies.value_at_quantile(share)).unwrap_or(u32::MAX);
        f64::from(micros) / 1000.0
    }
}

/// From a microsecond to a minute.
pub(crate) fn latencies() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1)
}
