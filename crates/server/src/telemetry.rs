//! The metrics of the process, for `/metrics` (§13). `docs/logging.md` lists them for operators.

use std::sync::Arc;

use challenge_service::DecisionCounter;
use db::WriterMetrics;
use http_support::metrics::RequestMetrics;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use scheduler::{HandOverCounter, ServiceHealth};

/// The labels of a store's writer metrics. The values are the names of the stores' files.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StoreLabels {
    store: &'static str,
}

/// The labels of the counter of background runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct TaskLabels {
    pub(crate) task: &'static str,
    pub(crate) outcome: &'static str,
}

/// The metrics. Clones share them.
#[derive(Clone)]
pub(crate) struct Telemetry {
    registry: Arc<Registry>,
    pub(crate) requests: RequestMetrics,
    pub(crate) hand_overs: HandOverCounter,
    pub(crate) service_health: ServiceHealth,
    pub(crate) stamp_decisions: DecisionCounter,
    pub(crate) webhook_attempts: Family<[(&'static str, &'static str); 1], Counter>,
    pub(crate) background_runs: Family<TaskLabels, Counter>,
    pub(crate) event_streams: Gauge,
    pub(crate) workspace_writer: WriterMetrics,
    pub(crate) challenge_writer: WriterMetrics,
}

impl Telemetry {
    pub(crate) fn new() -> Self {
        let hand_overs = HandOverCounter::default();
        let service_health = ServiceHealth::default();
        let stamp_decisions = DecisionCounter::default();
        let webhook_attempts = Family::default();
        let background_runs = Family::default();
        let event_streams = Gauge::default();
        let batch_sizes =
            Family::new_with_constructor(WriterMetrics::batch_size_histogram as fn() -> _);
        let commit_seconds =
            Family::new_with_constructor(WriterMetrics::commit_seconds_histogram as fn() -> _);
        let writer = |store| {
            let labels = StoreLabels { store };
            WriterMetrics {
                batch_size: batch_sizes.get_or_create_owned(&labels),
                commit_seconds: commit_seconds.get_or_create_owned(&labels),
            }
        };
        let (workspace_writer, challenge_writer) = (writer("connect"), writer("tpas"));

        let mut registry = Registry::with_prefix("fieldtest");
        let requests = RequestMetrics::register(&mut registry);
        registry.register(
            "hand_overs",
            "Attempts to hand a challenge request over",
            hand_overs.clone(),
        );
        registry.register(
            "hand_overs_need_operator",
            "1 while orders stay pending until an operator mends a URL, a token or a proxy",
            service_health.gauge(),
        );
        registry.register("stamp_decisions", "Participations decided", stamp_decisions.clone());
        registry.register(
            "webhook_attempts",
            "Attempts to deliver events to webhooks",
            webhook_attempts.clone(),
        );
        registry.register("background_runs", "Runs of background tasks", background_runs.clone());
        registry.register(
            "event_streams",
            "Streams of events that are open",
            event_streams.clone(),
        );
        registry.register("store_group_size", "Writes that shared a commit", batch_sizes);
        registry.register(
            "store_commit_seconds",
            "Time of a commit, sync included",
            commit_seconds,
        );
        Self {
            registry: Arc::new(registry),
            requests,
            hand_overs,
            service_health,
            stamp_decisions,
            webhook_attempts,
            background_runs,
            event_streams,
            workspace_writer,
            challenge_writer,
        }
    }

    /// The metrics in the OpenMetrics text format.
    pub(crate) fn render(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
