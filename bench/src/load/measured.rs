//! The result of a load.

use std::time::Duration;

use anyhow::{Result, bail};
use hdrhistogram::Histogram;

/// The latencies of all responses, in microseconds with three significant digits.
pub(crate) struct Measured {
    latencies: Histogram<u64>,
    took: Duration,
}

impl Measured {
    pub(crate) fn new(latencies: Histogram<u64>, took: Duration) -> Result<Self> {
        if latencies.is_empty() {
            bail!("there was no response");
        }
        Ok(Self { latencies, took })
    }

    pub(crate) fn per_second(&self) -> f64 {
        let responses = u32::try_from(self.latencies.len()).unwrap_or(u32::MAX);
        f64::from(responses) / self.took.as_secs_f64()
    }

    /// The latency, in milliseconds, that this share of the responses did not exceed.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let micros = u32::try_from(self.latencies.value_at_quantile(share)).unwrap_or(u32::MAX);
        f64::from(micros) / 1000.0
    }
}

/// An empty histogram, from a microsecond to a minute.
pub(crate) fn latencies() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1)
}
