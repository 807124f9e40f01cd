//! Background tasks: each runs periodically, sooner after a notification, and never twice at once.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use challenge_service::ChallengeService;
use db::{Channel, Database, StoreError};
use domain::{ChallengeId, ClockAndRng};
use futures_util::FutureExt;
use scheduler::{Scheduler, Stopping};
use store_workspace::WorkspaceStore;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use traces::Exporter;
use webhooks::Webhooks;
use workspace_api::{KeyUses, Streams};

use super::health_watch::HealthWatch;
use super::on_demand::RunRequests;
use crate::telemetry::{TaskLabels, Telemetry};

/// The background work of this process.
pub(super) struct Background {
    pub(super) scheduler: Option<Scheduler>,
    pub(super) challenge_service: Option<ChallengeService>,
    /// The database through which this process exchanges notifications with others.
    pub(super) relay: Option<Database>,
    /// The recorded uses of API keys, and the store that they are written to.
    pub(super) key_uses: Option<(KeyUses, WorkspaceStore)>,
    /// Delivers events to webhooks, if this process has the role `scheduler`.
    pub(super) webhooks: Option<Webhooks>,
    /// The event streams of this process.
    pub(super) streams: Option<EventWatch>,
    /// What metrics say about the stores.
    pub(super) health: Arc<HealthWatch>,
    /// Sends traces, if there is a collector.
    pub(super) exporter: Option<Exporter>,
    pub(super) telemetry: Telemetry,
    /// The challenges that the challenge service of this process has changed.
    pub(super) changes: mpsc::UnboundedReceiver<ChallengeId>,
}

/// What the tasks that wake and end event streams need.
#[derive(Clone)]
pub(super) struct EventWatch {
    pub(super) streams: Streams,
    pub(super) store: WorkspaceStore,
    pub(super) clock_and_rng: ClockAndRng,
}

/// A task with its state.
enum Task {
    HandOver(Scheduler),
    Observe(Scheduler),
    Recall(Scheduler),
    Prune(Scheduler),
    Lapse(ChallengeService),
    RecordKeyUses(KeyUses, WorkspaceStore),
    PruneChallenge(ChallengeService),
    Deliver(Webhooks),
    WatchEvents(EventWatch),
    WatchKeys(EventWatch),
    WatchHealth(Arc<HealthWatch>),
}

/// The name of the task that observes challenges that have changed in this process.
const LOOK: &str = "look";

impl Task {
    fn name(&self) -> &'static str {
        match self {
            Self::HandOver(_) => "hand_over",
            Self::Observe(_) => "observe",
            Self::Recall(_) => "recall",
            Self::Prune(_) | Self::PruneChallenge(_) => "prune",
            Self::Lapse(_) => "lapse",
            Self::RecordKeyUses(..) => "record_key_uses",
            Self::Deliver(_) => "deliver",
            Self::WatchEvents(_) => "watch_events",
            Self::WatchKeys(_) => "watch_keys",
            Self::WatchHealth(_) => "watch_health",
        }
    }

    /// How long a task pauses between two runs.
    fn period(&self) -> Duration {
        match self {
            Self::HandOver(scheduler) => scheduler.period(),
            Self::WatchEvents(_) | Self::Deliver(_) => Duration::from_secs(1),
            Self::Observe(_) | Self::Recall(_) | Self::WatchKeys(_) => Duration::from_secs(2),
            Self::WatchHealth(_) => Duration::from_secs(5),
            Self::Lapse(_) => Duration::from_secs(10),
            Self::RecordKeyUses(..) => Duration::from_mins(1),
            Self::Prune(_) | Self::PruneChallenge(_) => Duration::from_mins(5),
        }
    }

    /// How long a task pauses even after a notification, so that one run serves several of them.
    fn shortest_pause(&self) -> Option<Duration> {
        matches!(self, Self::WatchEvents(_) | Self::Deliver(_)).then_some(Duration::from_millis(20))
    }

    /// Waits for a notification that ends the pause, if the task has one.
    async fn wake_up(&self) {
        match self {
            Self::HandOver(scheduler) => scheduler::dispatcher::wake_up(scheduler).await,
            Self::WatchEvents(watch) => watch.store.database().notified(Channel::NewEvents).await,
            Self::Deliver(webhooks) => {
                webhooks.store.database().notified(Channel::NewEvents).await;
            }
            Self::Observe(_)
            | Self::Recall(_)
            | Self::Prune(_)
            | Self::Lapse(_)
            | Self::PruneChallenge(_)
            | Self::RecordKeyUses(..)
            | Self::WatchKeys(_)
            | Self::WatchHealth(_) => std::future::pending().await,
        }
    }

    async fn run(&self, stopping: &Stopping) -> Result<(), StoreError> {
        match self {
            Self::HandOver(scheduler) => scheduler::dispatcher::run(scheduler, stopping).await,
            Self::Observe(scheduler) => scheduler::observe::run(scheduler, stopping).await,
            Self::Recall(scheduler) => scheduler::recall::run(scheduler, stopping).await,
            Self::Prune(scheduler) => scheduler::prune::run(scheduler).await,
            Self::Lapse(service) => challenge_service::lapse::run(service).await,
            Self::RecordKeyUses(key_uses, store) => key_uses.flush(store).await,
            Self::PruneChallenge(service) => challenge_service::prune::run(service).await,
            Self::Deliver(webhooks) => webhooks::run(webhooks, || stopping.is_set()).await,
            Self::WatchEvents(watch) => watch.streams.poll_events(&watch.store).await,
            Self::WatchKeys(watch) => {
                watch.streams.check_keys(&watch.store, watch.clock_and_rng.now()).await
            }
            Self::WatchHealth(watch) => watch.run().await,
        }
    }
}

impl Background {
    fn tasks(&self) -> Vec<Task> {
        let mut tasks = Vec::new();
        if let Some(scheduler) = &self.scheduler {
            let of_scheduler = [Task::HandOver, Task::Observe, Task::Recall, Task::Prune];
            tasks.extend(of_scheduler.map(|task| task(scheduler.clone())));
        }
        if let Some((key_uses, store)) = &self.key_uses {
            tasks.push(Task::RecordKeyUses(key_uses.clone(), store.clone()));
        }
        if let Some(service) = &self.challenge_service {
            tasks.extend([Task::Lapse, Task::PruneChallenge].map(|task| task(service.clone())));
        }
        tasks.extend(self.webhooks.clone().map(Task::Deliver));
        tasks.push(Task::WatchHealth(Arc::clone(&self.health)));
        // Last, so that on demand the streams get the events of all other tasks.
        if let Some(streams) = &self.streams {
            tasks.extend([Task::WatchEvents, Task::WatchKeys].map(|task| task(streams.clone())));
        }
        tasks
    }

    /// Runs every task periodically until the process stops. A task that runs then is finished.
    pub(super) fn spawn(self, stopping: &Stopping) -> JoinSet<()> {
        let mut running = JoinSet::new();
        for task in self.tasks() {
            self.telemetry.expect_task(task.name());
            running.spawn(repeat(task, self.telemetry.clone(), stopping.clone()));
        }
        if let Some(exporter) = self.exporter {
            let mut stopping = stopping.clone();
            running.spawn(exporter.run(async move { stopping.wait().await }));
        }
        if let Some(database) = self.relay {
            let mut stopping = stopping.clone();
            running.spawn(async move {
                tokio::select! {
                    () = database.relay_notifications() => {}
                    () = stopping.wait() => {}
                }
            });
        }
        if let Some(scheduler) = self.scheduler {
            self.telemetry.expect_task(LOOK);
            running.spawn(observe_changes(
                scheduler,
                self.changes,
                self.telemetry,
                stopping.clone(),
            ));
        }
        running
    }

    /// Runs every task once for each request, until the process stops.
    pub(super) fn spawn_on_demand(
        mut self,
        mut requests: RunRequests,
        mut stopping: Stopping,
    ) -> JoinSet<()> {
        let mut running = JoinSet::new();
        running.spawn(async move {
            let is_stopping = stopping.clone();
            loop {
                let request = tokio::select! {
                    request = requests.next() => request,
                    () = stopping.wait() => return,
                };
                let Some(request) = request else { return };
                self.run_once(&is_stopping).await;
                request.finish();
            }
        });
        running
    }

    /// Runs every task once, one after the other. Changed challenges are observed after the
    /// hand-over, so that a run includes the challenges that it created.
    async fn run_once(&mut self, stopping: &Stopping) {
        for task in self.tasks() {
            measured(&self.telemetry, task.name(), task.run(stopping)).await;
            if let Task::HandOver(scheduler) = &task
                && let Ok(first) = self.changes.try_recv()
            {
                observe(scheduler, first, &mut self.changes, &self.telemetry).await;
            }
        }
    }
}

async fn repeat(task: Task, telemetry: Telemetry, mut stopping: Stopping) {
    while !stopping.is_set() {
        measured(&telemetry, task.name(), task.run(&stopping)).await;
        tokio::select! {
            () = tokio::time::sleep(task.period()) => {}
            () = async {
                if let Some(pause) = task.shortest_pause() {
                    tokio::time::sleep(pause).await;
                }
                task.wake_up().await;
            } => {}
            () = stopping.wait() => {}
        }
    }
}

async fn observe_changes(
    scheduler: Scheduler,
    mut changes: mpsc::UnboundedReceiver<ChallengeId>,
    telemetry: Telemetry,
    mut stopping: Stopping,
) {
    loop {
        let change = tokio::select! {
            change = changes.recv() => change,
            () = stopping.wait() => changes.try_recv().ok(),
        };
        // At a stop, what is noticed is told before the end. Without a challenge service in this
        // process there is no sender.
        let Some(first) = change else { return };
        observe(&scheduler, first, &mut changes, &telemetry).await;
    }
}

/// Observes this challenge and all others that have changed by now, each once.
async fn observe(
    scheduler: &Scheduler,
    first: ChallengeId,
    changes: &mut mpsc::UnboundedReceiver<ChallengeId>,
    telemetry: &Telemetry,
) {
    let mut changed = BTreeSet::from([first]);
    while let Ok(id) = changes.try_recv() {
        changed.insert(id);
    }
    measured(telemetry, LOOK, scheduler::observe::observe(scheduler, changed)).await;
}

/// Runs a task and counts the outcome. A task that fails or panics runs again after its period, and
/// finds its work in the database.
async fn measured(
    telemetry: &Telemetry,
    task: &'static str,
    run: impl Future<Output = Result<(), StoreError>>,
) {
    let outcome = match AssertUnwindSafe(run).catch_unwind().await {
        Ok(Ok(())) => "done",
        Ok(Err(error)) => {
            tracing::warn!(task, %error, "a background task failed");
            "failed"
        }
        Err(_panic) => {
            tracing::error!(task, "a background task panicked");
            "panicked"
        }
    };
    telemetry.background_runs.get_or_create(&TaskLabels { task, outcome }).inc();
}
