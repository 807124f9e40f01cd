//! Background work: each task runs now and then, sooner when it is nudged, and never twice at once.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use domain::ChallengeId;
use futures_util::FutureExt;
use store::StoreError;
use store::connect::ConnectStore;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::messenger::Messenger;
use super::rounds::RoundRequests;
use crate::World;
use crate::nudge::Nudge;
use crate::scheduler::{self, Scheduler, Stopping};
use crate::telemetry::{TaskLabels, Telemetry};
use crate::tpas::{self, Tpas};
use crate::workspace_api::{KeyUses, Streams};

/// What there is to do in this process.
pub(super) struct Background {
    pub(super) scheduler: Option<Scheduler>,
    pub(super) tpas: Option<Tpas>,
    pub(super) messenger: Option<Messenger>,
    /// The uses of keys that this process takes, and where they are written down.
    pub(super) key_uses: Option<(KeyUses, ConnectStore)>,
    /// The streams that this process keeps open.
    pub(super) streams: Option<EventWatch>,
    pub(super) telemetry: Telemetry,
    /// Challenges of this process's challenge service that have changed.
    pub(super) changes: mpsc::UnboundedReceiver<ChallengeId>,
}

/// What the streams of events of this process are told, and by whom.
#[derive(Clone)]
pub(super) struct EventWatch {
    pub(super) streams: Streams,
    pub(super) store: ConnectStore,
    pub(super) world: World,
    /// Heard when there are new events.
    pub(super) news: Nudge,
}

/// One of the tasks, with what it works on.
enum Task {
    HandOverArrivals(Scheduler),
    HandOverDue(Scheduler),
    Observe(Scheduler),
    Recall(Scheduler),
    Prune(Scheduler),
    Lapse(Tpas),
    RecordKeyUses(KeyUses, ConnectStore),
    PruneTpas(Tpas),
    WatchEvents(EventWatch),
    WatchKeys(EventWatch),
}

impl Task {
    fn name(&self) -> &'static str {
        match self {
            Self::HandOverArrivals(_) => "hand_over_new",
            Self::HandOverDue(_) => "hand_over",
            Self::Observe(_) => "observe",
            Self::Recall(_) => "recall",
            Self::Prune(_) | Self::PruneTpas(_) => "prune",
            Self::Lapse(_) => "lapse",
            Self::RecordKeyUses(..) => "record_key_uses",
            Self::WatchEvents(_) => "watch_events",
            Self::WatchKeys(_) => "watch_keys",
        }
    }

    /// How long a task rests.
    fn period(&self) -> Duration {
        match self {
            Self::HandOverArrivals(scheduler) | Self::HandOverDue(scheduler) => scheduler.rest,
            Self::WatchEvents(_) => Duration::from_secs(1),
            Self::Observe(_) | Self::Recall(_) | Self::WatchKeys(_) => Duration::from_secs(2),
            Self::Lapse(_) => Duration::from_secs(10),
            Self::RecordKeyUses(..) => Duration::from_mins(1),
            Self::Prune(_) | Self::PruneTpas(_) => Duration::from_mins(5),
        }
    }

    /// How long it rests even if it is nudged: what is new by then it does in one go.
    fn shortest_rest(&self) -> Option<Duration> {
        matches!(self, Self::WatchEvents(_)).then_some(Duration::from_millis(20))
    }

    /// What cuts the rest short, if anything does.
    fn nudge(&self) -> Nudge {
        match self {
            Self::HandOverArrivals(scheduler) => scheduler.leases.arrival.clone(),
            Self::HandOverDue(scheduler) => scheduler.news.clone(),
            Self::WatchEvents(watch) => watch.news.clone(),
            Self::Observe(_)
            | Self::Recall(_)
            | Self::Prune(_)
            | Self::Lapse(_)
            | Self::PruneTpas(_)
            | Self::RecordKeyUses(..)
            | Self::WatchKeys(_) => Nudge::default(),
        }
    }

    async fn run(&self, stopping: &Stopping) -> Result<(), StoreError> {
        match self {
            Self::HandOverArrivals(scheduler) => scheduler::arrivals::run(scheduler, stopping).await,
            Self::HandOverDue(scheduler) => scheduler::due::run(scheduler, stopping).await,
            Self::Observe(scheduler) => scheduler::observe::run(scheduler, stopping).await,
            Self::Recall(scheduler) => scheduler::recall::run(scheduler, stopping).await,
            Self::Prune(scheduler) => scheduler::prune::run(scheduler).await,
            Self::Lapse(tpas) => tpas::lapse::run(tpas).await,
            Self::RecordKeyUses(key_uses, store) => key_uses.write(store).await,
            Self::PruneTpas(tpas) => tpas::prune::run(tpas).await,
            Self::WatchEvents(watch) => watch.streams.look_for_events(&watch.store).await,
            Self::WatchKeys(watch) => watch.streams.check_keys(&watch.store, watch.world.now()).await,
        }
    }
}

impl Background {
    fn tasks(&self) -> Vec<Task> {
        let mut tasks = Vec::new();
        if let Some(scheduler) = &self.scheduler {
            let its_tasks = [Task::HandOverArrivals, Task::HandOverDue, Task::Observe, Task::Recall, Task::Prune];
            tasks.extend(its_tasks.map(|task| task(scheduler.clone())));
        }
        if let Some((key_uses, store)) = &self.key_uses {
            tasks.push(Task::RecordKeyUses(key_uses.clone(), store.clone()));
        }
        if let Some(tpas) = &self.tpas {
            tasks.extend([Task::Lapse, Task::PruneTpas].map(|task| task(tpas.clone())));
        }
        // Last, so that in a round the streams are told of all that was done in it.
        if let Some(streams) = &self.streams {
            tasks.extend([Task::WatchEvents, Task::WatchKeys].map(|task| task(streams.clone())));
        }
        tasks
    }

    /// Runs every task again and again until the process stops; each then finishes what it is doing.
    pub(super) fn spawn(self, stopping: &Stopping) -> JoinSet<()> {
        let mut running = JoinSet::new();
        for task in self.tasks() {
            running.spawn(repeat(task, self.telemetry.clone(), stopping.clone()));
        }
        if let Some(messenger) = self.messenger {
            messenger.spawn(&mut running, stopping);
        }
        if let Some(scheduler) = self.scheduler {
            running.spawn(look_at_changes(scheduler, self.changes, self.telemetry, stopping.clone()));
        }
        running
    }

    /// Runs every task once for each round that is asked for, until the process stops.
    pub(super) fn spawn_on_demand(mut self, mut rounds: RoundRequests, mut stopping: Stopping) -> JoinSet<()> {
        let mut running = JoinSet::new();
        running.spawn(async move {
            let is_stopping = stopping.clone();
            loop {
                let round = tokio::select! {
                    round = rounds.next() => round,
                    () = stopping.wait() => return,
                };
                let Some(round) = round else { return };
                self.run_once(&is_stopping).await;
                round.finish();
            }
        });
        running
    }

    /// Runs every task once, one after the other. What has changed is looked at after the hand-over, so that a round sees the
    /// challenges that it has made.
    async fn run_once(&mut self, stopping: &Stopping) {
        for task in self.tasks() {
            measured(&self.telemetry, task.name(), task.run(stopping)).await;
            if let Task::HandOverDue(scheduler) = &task
                && let Ok(first) = self.changes.try_recv()
            {
                look(scheduler, first, &mut self.changes, &self.telemetry).await;
            }
        }
    }
}

async fn repeat(task: Task, telemetry: Telemetry, mut stopping: Stopping) {
    let nudge = task.nudge();
    while !stopping.is_set() {
        measured(&telemetry, task.name(), task.run(&stopping)).await;
        tokio::select! {
            () = tokio::time::sleep(task.period()) => {}
            () = async {
                if let Some(rest) = task.shortest_rest() {
                    tokio::time::sleep(rest).await;
                }
                nudge.heard().await;
            } => {}
            () = stopping.wait() => {}
        }
    }
}

async fn look_at_changes(
    scheduler: Scheduler,
    mut changes: mpsc::UnboundedReceiver<ChallengeId>,
    telemetry: Telemetry,
    mut stopping: Stopping,
) {
    loop {
        let change = tokio::select! {
            change = changes.recv() => change,
            () = stopping.wait() => return,
        };
        // Where the challenge service runs elsewhere, nobody will ever tell.
        let Some(first) = change else { return };
        look(&scheduler, first, &mut changes, &telemetry).await;
    }
}

/// Looks at this challenge and at all others that have changed by now, each once however often it has.
async fn look(
    scheduler: &Scheduler,
    first: ChallengeId,
    changes: &mut mpsc::UnboundedReceiver<ChallengeId>,
    telemetry: &Telemetry,
) {
    let mut changed = BTreeSet::from([first]);
    while let Ok(id) = changes.try_recv() {
        changed.insert(id);
    }
    for id in changed {
        measured(telemetry, "look", scheduler::observe::look(scheduler, id)).await;
    }
}

/// A task that fails, or even panics, is tried again in its next run; what it should have done still stands in the database.
async fn measured(telemetry: &Telemetry, task: &'static str, run: impl Future<Output = Result<(), StoreError>>) {
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
