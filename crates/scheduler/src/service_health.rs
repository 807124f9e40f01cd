//! Whether the challenge service answers as one should, as the last hand-over found it (§9).

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::metrics::gauge::Gauge;

/// What keeps hand-overs from succeeding until an operator mends it: a wrong URL or token, a proxy,
/// another service. Clones share it.
#[derive(Clone, Default)]
pub struct ServiceHealth {
    mishap: Arc<Mutex<Option<String>>>,
    gauge: Gauge,
}

impl ServiceHealth {
    /// Whether an operator has to mend something, because the last hand-over did not meet a
    /// challenge service that knows this caller.
    #[must_use]
    pub fn needs_operator(&self) -> bool {
        self.mishap.lock().is_some()
    }

    /// 1 while an operator has to mend something, for the metrics.
    #[must_use]
    pub fn gauge(&self) -> Gauge {
        self.gauge.clone()
    }

    /// The challenge service has answered.
    pub(crate) fn record_answer(&self) {
        if self.mishap.lock().take().is_some() {
            self.gauge.set(0);
            tracing::info!("the challenge service answers again");
        }
    }

    /// Something else has answered. It is logged once, not for each order.
    pub(crate) fn record_mishap(&self, reason: &str) {
        let previous = self.mishap.lock().replace(reason.to_owned());
        self.gauge.set(1);
        if previous.as_deref() != Some(reason) {
            tracing::warn!(
                reason,
                "orders stay pending until the challenge service answers as one should: check \
                 --tpas-url and --tpas-token, and what stands between; `fieldtest doctor` helps"
            );
        }
    }
}
