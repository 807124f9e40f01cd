//! What is looked at rather than counted: some of it at each scrape, which costs nothing, and the
//! rest by the background task `watch_health`, so that a scrape never waits for a database.

use std::path::Path;
use std::sync::Arc;

use db::Database;
use domain::Timestamp;
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use store_workspace::Backlog;
use wire::verifier::{Verifier, VerifierKind};

use crate::config::{Role, Roles};

/// The name of the workspace store, as that of its file.
pub(crate) const WORKSPACE: &str = "connect";
/// The name of the challenge store, as that of its file.
pub(crate) const CHALLENGE: &str = "tpas";

/// The labels of a store's metrics.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct StoreLabels {
    pub(crate) store: &'static str,
}

/// The labels of a verifier's health.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerifierLabels {
    provider: String,
    kind: &'static str,
}

type OfStore = Family<StoreLabels, Gauge>;

/// The gauges. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Watched {
    available: OfStore,
    queue_length: OfStore,
    queue_limit: OfStore,
    wal_bytes: OfStore,
    free_bytes: Gauge,
    size_bytes: Gauge,
    clock_seconds: Gauge<f64, std::sync::atomic::AtomicU64>,
    pending_orders: Gauge,
    oldest_order_seconds: Gauge,
    deliveries: Gauge,
    failing_webhooks: Gauge,
    webhook_delay_seconds: Gauge,
    verifier_failing: Family<VerifierLabels, Gauge>,
    verifier_succeeded_at: Family<VerifierLabels, Gauge>,
    backlog: Arc<Mutex<Backlog>>,
}

impl Watched {
    /// Creates the gauges of a process with these roles, and registers them.
    pub(super) fn register(registry: &mut Registry, roles: &Roles) -> Self {
        let watched = Self::default();
        watched.register_stores(registry);
        if roles.has(Role::Scheduler) {
            watched.register_backlog(registry);
        }
        let failing = watched.verifier_failing.clone();
        registry.register(
            "verifier_failing",
            "1 if the last verification failed for a reason that is not of the tester",
            failing,
        );
        registry.register_with_unit(
            "verifier_last_success_timestamp",
            "When a person was last verified",
            Unit::Seconds,
            watched.verifier_succeeded_at.clone(),
        );
        watched
    }

    fn register_stores(&self, registry: &mut Registry) {
        let Self { available, queue_length, queue_limit, wal_bytes, .. } = self.clone();
        registry.register("store_available", "1 if the last probe could read and write", available);
        registry.register("store_queue_length", "Entries that wait for the writer", queue_length);
        registry.register("store_queue_limit", "Entries that can wait", queue_limit);
        registry.register_with_unit(
            "store_wal",
            "Size of the write-ahead log on SQLite",
            Unit::Bytes,
            wal_bytes,
        );
        registry.register_with_unit(
            "data_directory_free",
            "Free space of the file system with the data directory",
            Unit::Bytes,
            self.free_bytes.clone(),
        );
        registry.register_with_unit(
            "data_directory_size",
            "Size of the file system with the data directory",
            Unit::Bytes,
            self.size_bytes.clone(),
        );
        registry.register_with_unit(
            "clock_timestamp",
            "The time by the clock of this process",
            Unit::Seconds,
            self.clock_seconds.clone(),
        );
    }

    fn register_backlog(&self, registry: &mut Registry) {
        registry.register(
            "pending_orders",
            "Orders that wait to be handed over, counted up to 1000",
            self.pending_orders.clone(),
        );
        registry.register_with_unit(
            "oldest_pending_order_age",
            "Age of the oldest order that waits to be handed over",
            Unit::Seconds,
            self.oldest_order_seconds.clone(),
        );
        registry.register(
            "webhook_deliveries_pending",
            "Deliveries that have not ended, counted up to 1000",
            self.deliveries.clone(),
        );
        registry.register(
            "webhooks_failing",
            "Webhooks whose receiver fails, counted up to 1000",
            self.failing_webhooks.clone(),
        );
        registry.register_with_unit(
            "webhook_delay",
            "For how long the webhook that is due first has been due",
            Unit::Seconds,
            self.webhook_delay_seconds.clone(),
        );
    }

    /// Notes whether a store can be read and written.
    pub(crate) fn probed(&self, store: &'static str, is_available: bool) {
        self.available.get_or_create(&StoreLabels { store }).set(is_available.into());
    }

    /// Notes what waits.
    pub(crate) fn saw_backlog(&self, backlog: Backlog) {
        *self.backlog.lock() = backlog;
    }

    /// Notes how it goes with the verifiers.
    pub(crate) fn saw_verifiers(&self, verifiers: Vec<Verifier>) {
        for verifier in verifiers {
            let kind = match verifier.kind {
                VerifierKind::Simulator => "simulator",
                VerifierKind::Oidc => "oidc",
                VerifierKind::External => "external",
            };
            let labels = VerifierLabels { provider: verifier.provider_id, kind };
            let (failed, succeeded) = (verifier.failed_at, verifier.succeeded_at);
            let is_failing = failed
                .is_some_and(|failed| succeeded.is_none_or(|succeeded| succeeded.0 < failed.0));
            self.verifier_failing.get_or_create(&labels).set(is_failing.into());
            if let Some(succeeded) = succeeded {
                let at = succeeded.0.as_seconds();
                self.verifier_succeeded_at.get_or_create(&labels).set(at);
            }
        }
    }

    /// Looks at the writer's queue and at the log of a store.
    pub(crate) fn look_at_store(&self, store: &'static str, database: &Database) {
        let labels = StoreLabels { store };
        self.queue_length.get_or_create(&labels).set(number(database.waiting_writes()));
        self.queue_limit.get_or_create(&labels).set(number(Database::MOST_WAITING));
        if let Some(bytes) = database.log_bytes() {
            self.wal_bytes.get_or_create(&labels).set(number(bytes));
        }
    }

    /// Looks at the file system and the clock, and says how old what waits is by now.
    pub(crate) fn look_around(&self, data_directory: &Path, now: Timestamp) {
        if let Ok(system) = rustix::fs::statvfs(data_directory) {
            self.free_bytes.set(number(system.f_bavail.saturating_mul(system.f_frsize)));
            self.size_bytes.set(number(system.f_blocks.saturating_mul(system.f_frsize)));
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds are exact until year 287,396"
        )]
        self.clock_seconds.set(now.as_millis() as f64 / 1_000.0);
        let backlog = *self.backlog.lock();
        let age =
            |since: Option<Timestamp>| since.map_or(0, |since| number(now.since(since).as_secs()));
        self.pending_orders.set(backlog.orders.into());
        self.oldest_order_seconds.set(age(backlog.oldest_order));
        self.deliveries.set(backlog.deliveries.into());
        self.failing_webhooks.set(backlog.failing_webhooks.into());
        self.webhook_delay_seconds.set(age(backlog.oldest_due_webhook));
    }
}

fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
