//! The metrics of the process, for `/metrics` (§13). `docs/logging.md` lists them for operators.
//!
//! Every series whose labels are known beforehand exists from the start, at 0: Prometheus'
//! `increase()` misses the first failure of a series that begins with it.

mod build_info;
mod format;
mod process;
mod watched;

use std::sync::Arc;

use challenge_service::{DecisionCounter, VerificationCounter};
use db::WriterMetrics;
use domain::participation::Status;
use http_support::metrics::RequestMetrics;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use scheduler::{HandOverCounter, ServiceHealth};

pub(crate) use self::format::Format;
use self::watched::StoreLabels;
pub(crate) use self::watched::{CHALLENGE, WORKSPACE, Watched};
use crate::config::{Role, Roles};

/// The labels of the counter of background runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct TaskLabels {
    pub(crate) task: &'static str,
    pub(crate) outcome: &'static str,
}

/// A counter by one label.
type ByName = Family<[(&'static str, &'static str); 1], Counter>;

/// The metrics. Clones share them.
#[derive(Clone)]
pub(crate) struct Telemetry {
    registry: Arc<Registry>,
    pub(crate) requests: RequestMetrics,
    pub(crate) hand_overs: HandOverCounter,
    pub(crate) service_health: ServiceHealth,
    pub(crate) stamp_decisions: DecisionCounter,
    pub(crate) verifications: VerificationCounter,
    pub(crate) webhook_attempts: ByName,
    /// Spans that were recorded, if traces are on.
    pub(crate) spans: ByName,
    pub(crate) background_runs: Family<TaskLabels, Counter>,
    pub(crate) event_streams: Gauge,
    pub(crate) watched: Watched,
    pub(crate) workspace_writer: WriterMetrics,
    pub(crate) challenge_writer: WriterMetrics,
}

impl Telemetry {
    /// The metrics of a process with these roles, whose program was built from this commit.
    pub(crate) fn new(roles: &Roles, commit: &'static str) -> Self {
        let mut root = Registry::default();
        root.register_collector(Box::new(process::Process));
        let registry = root.sub_registry_with_prefix("fieldtest");
        build_info::register(registry, commit);
        let requests = RequestMetrics::register(registry);
        let (workspace_writer, challenge_writer) = writers(registry, roles);
        let watched = Watched::register(registry, roles);
        let telemetry = Self {
            requests,
            hand_overs: HandOverCounter::default(),
            service_health: ServiceHealth::default(),
            stamp_decisions: DecisionCounter::default(),
            verifications: VerificationCounter::default(),
            webhook_attempts: ByName::default(),
            spans: ByName::default(),
            background_runs: Family::default(),
            event_streams: Gauge::default(),
            watched,
            workspace_writer,
            challenge_writer,
            registry: Arc::default(),
        };
        telemetry.register(registry, roles);
        telemetry.begin_at_zero(roles);
        Self { registry: Arc::new(root), ..telemetry }
    }

    /// Registers what the parts of the program count.
    fn register(&self, registry: &mut Registry, roles: &Roles) {
        let hand_overs = self.hand_overs.clone();
        registry.register("hand_overs", "Attempts to hand a challenge request over", hand_overs);
        let decisions = self.stamp_decisions.clone();
        registry.register("stamp_decisions", "Participations decided", decisions);
        let verifications = self.verifications.clone();
        registry.register("verifications", "Verifications that verifiers reported", verifications);
        let attempts = self.webhook_attempts.clone();
        registry.register("webhook_attempts", "Attempts to deliver events to webhooks", attempts);
        registry.register("trace_spans", "Spans recorded for the collector", self.spans.clone());
        let runs = self.background_runs.clone();
        registry.register("background_runs", "Runs of background tasks", runs);
        let streams = self.event_streams.clone();
        registry.register("event_streams", "Streams of events that are open", streams);
        if roles.has(Role::Scheduler) {
            registry.register(
                "hand_overs_need_operator",
                "1 while orders stay pending until an operator corrects a URL, a token or a proxy",
                self.service_health.gauge(),
            );
        }
    }

    fn begin_at_zero(&self, roles: &Roles) {
        if roles.has(Role::Scheduler) {
            for outcome in ["scheduled", "postponed", "failed", "lease_lost"] {
                drop(self.hand_overs.get_or_create(&[("outcome", outcome)]));
            }
            for outcome in ["delivered", "refused", "unreachable"] {
                drop(self.webhook_attempts.get_or_create(&[("outcome", outcome)]));
            }
        }
        if roles.has(Role::ChallengeService) {
            for status in [Status::Claimed, Status::Failed, Status::Missed, Status::Duplicate] {
                drop(self.stamp_decisions.get_or_create(&[("outcome", status.as_str())]));
            }
        }
    }

    /// Counts the runs of this task from 0.
    pub(crate) fn expect_task(&self, task: &'static str) {
        for outcome in ["done", "failed", "panicked"] {
            drop(self.background_runs.get_or_create(&TaskLabels { task, outcome }));
        }
    }

    /// The metrics in a text format.
    pub(crate) fn render(&self, format: Format) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(format.of_open_metrics(text))
    }
}

/// The metrics of the writers of both stores. Those of a store that the process does not open are
/// not registered.
fn writers(registry: &mut Registry, roles: &Roles) -> (WriterMetrics, WriterMetrics) {
    let batch_sizes =
        Family::new_with_constructor(WriterMetrics::batch_size_histogram as fn() -> _);
    let commit_seconds =
        Family::new_with_constructor(WriterMetrics::commit_seconds_histogram as fn() -> _);
    let writer = |is_open: bool, store| {
        let labels = StoreLabels { store };
        is_open.then(|| WriterMetrics {
            batch_size: batch_sizes.get_or_create_owned(&labels),
            commit_seconds: commit_seconds.get_or_create_owned(&labels),
        })
    };
    let has_workspace = roles.has(Role::Api) || roles.has(Role::Scheduler);
    let workspace = writer(has_workspace, watched::WORKSPACE);
    let challenge = writer(roles.has(Role::ChallengeService), watched::CHALLENGE);
    registry.register("store_group_size", "Writes that shared a commit", batch_sizes);
    registry.register_with_unit(
        "store_commit",
        "Time of a commit, sync included",
        Unit::Seconds,
        commit_seconds,
    );
    (workspace.unwrap_or_default(), challenge.unwrap_or_default())
}
