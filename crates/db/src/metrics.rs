//! The metrics of a writer.

use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;

/// The metrics of a writer.
#[derive(Clone, Debug)]
pub struct WriterMetrics {
    /// The number of writes in a commit.
    pub batch_size: Histogram,
    /// The duration of a commit, with its sync, in seconds.
    pub commit_seconds: Histogram,
}

impl WriterMetrics {
    /// A histogram for [`WriterMetrics::batch_size`].
    #[must_use]
    pub fn batch_size_histogram() -> Histogram {
        Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0])
    }

    /// A histogram for [`WriterMetrics::commit_seconds`].
    #[must_use]
    pub fn commit_seconds_histogram() -> Histogram {
        Histogram::new([0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0])
    }

    pub(crate) fn committed(&self, writes: usize, took: Duration) {
        self.commit_seconds.observe(took.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "a batch has at most 256 writes")]
        self.batch_size.observe(writes as f64);
    }
}

impl Default for WriterMetrics {
    fn default() -> Self {
        Self {
            batch_size: Self::batch_size_histogram(),
            commit_seconds: Self::commit_seconds_histogram(),
        }
    }
}
