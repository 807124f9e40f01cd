//! What the server counts and times of itself, for `/metrics` (§13). `docs/logging.md` lists it for operators.

use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use store::WriterMetrics;

/// Which requests are counted together. The route is the template, so the number of series stays small.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    pub(crate) method: &'static str,
    pub(crate) route: Arc<str>,
    pub(crate) status: u16,
}

/// Which requests are timed together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RouteLabels {
    pub(crate) route: Arc<str>,
}

/// Whose commits are measured together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StoreLabels {
    store: &'static str,
}

/// How something ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OutcomeLabels {
    pub(crate) outcome: &'static str,
}

/// How a run of a background task ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct TaskLabels {
    pub(crate) task: &'static str,
    pub(crate) outcome: &'static str,
}

/// The meters. Clones share them.
#[derive(Clone)]
pub(crate) struct Telemetry {
    registry: Arc<Registry>,
    pub(crate) requests: Family<RequestLabels, Counter>,
    pub(crate) request_seconds: Family<RouteLabels, Histogram>,
    pub(crate) hand_overs: Family<OutcomeLabels, Counter>,
    pub(crate) stamp_decisions: Family<OutcomeLabels, Counter>,
    pub(crate) background_runs: Family<TaskLabels, Counter>,
    pub(crate) event_streams: Gauge,
    pub(crate) connect_writer: WriterMetrics,
    pub(crate) tpas_writer: WriterMetrics,
}

impl Telemetry {
    pub(crate) fn new() -> Self {
        let requests = Family::default();
        let request_seconds = Family::new_with_constructor(request_histogram as fn() -> Histogram);
        let hand_overs = Family::default();
        let stamp_decisions = Family::default();
        let background_runs = Family::default();
        let event_streams = Gauge::default();
        let group_sizes = Family::new_with_constructor(WriterMetrics::group_size_histogram as fn() -> Histogram);
        let commit_seconds = Family::new_with_constructor(WriterMetrics::commit_seconds_histogram as fn() -> Histogram);
        let writer = |store| {
            let labels = StoreLabels { store };
            WriterMetrics {
                group_size: group_sizes.get_or_create_owned(&labels),
                commit_seconds: commit_seconds.get_or_create_owned(&labels),
            }
        };
        let (connect_writer, tpas_writer) = (writer("connect"), writer("tpas"));

        let mut registry = Registry::with_prefix("fieldtest");
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "From a request's head to its answer",
            request_seconds.clone(),
        );
        registry.register("hand_overs", "Attempts to hand a challenge request over", hand_overs.clone());
        registry.register("stamp_decisions", "Participations decided", stamp_decisions.clone());
        registry.register("background_runs", "Runs of background tasks", background_runs.clone());
        registry.register("event_streams", "Streams of events that are open", event_streams.clone());
        registry.register("store_group_size", "Units of work that shared a commit", group_sizes);
        registry.register("store_commit_seconds", "Time of a commit, sync included", commit_seconds);
        let registry = Arc::new(registry);
        Self {
            registry,
            requests,
            request_seconds,
            hand_overs,
            stamp_decisions,
            background_runs,
            event_streams,
            connect_writer,
            tpas_writer,
        }
    }

    /// The text that Prometheus reads.
    pub(crate) fn render(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn request_histogram() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
}
