//! Traces that follow one order from the request to the stamp, for a collector of OpenTelemetry
//! (§13). They are off unless the operator names a collector.
//!
//! The trace of an order has the UUID of its request, which is also its challenge's. So every
//! process finds the trace without a table and without passing anything on, and so does a person who
//! reads `req_…` in a log. A span never contains a secret, nor anything of a tester but what became
//! of a participation.
//!
//! This is not the SDK of OpenTelemetry: its spans get random ids, and their context travels in
//! memory, where these follow from what is stored.

mod export;
mod otlp;
mod span;

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tokio::sync::mpsc;

pub use self::export::Exporter;
pub use self::otlp::Resource;
pub use self::span::{Caller, Kind, Span, SpanId, TraceId};

/// A counter of spans by `outcome`: `exported`, `failed` or `dropped`.
pub type SpanCounter = Family<[(&'static str, &'static str); 1], Counter>;

/// How many spans wait for the exporter at most. Further ones are dropped and counted: traces never
/// slow an order down.
const MOST_WAITING: usize = 4_096;

/// Where spans are recorded. Clones share it. The default records nothing.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Recorder>>);

struct Recorder {
    spans: mpsc::Sender<Span>,
    counter: SpanCounter,
}

impl Traces {
    /// Traces that a collector gets, and what sends them there.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn to(
        collector: &str,
        resource: Resource,
        counter: SpanCounter,
    ) -> Result<(Self, Exporter), reqwest::Error> {
        for outcome in ["exported", "failed", "dropped"] {
            drop(counter.get_or_create(&[("outcome", outcome)]));
        }
        let (spans, waiting) = mpsc::channel(MOST_WAITING);
        let exporter = Exporter::new(collector, resource, waiting, counter.clone())?;
        Ok((Self(Some(Arc::new(Recorder { spans, counter }))), exporter))
    }

    /// Whether spans are recorded.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Records a span that has ended. It is made only if traces are on.
    pub fn record(&self, span: impl FnOnce() -> Span) {
        if let Some(recorder) = &self.0
            && recorder.spans.try_send(span()).is_err()
        {
            recorder.counter.get_or_create(&[("outcome", "dropped")]).inc();
        }
    }
}
