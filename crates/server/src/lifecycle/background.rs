//! Background work: each task runs now and then, sooner when it is nudged, and never twice at once.

use std::future::Future;
use std::time::Duration;

use domain::ChallengeId;
use store::StoreError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::rounds::RoundRequests;
use crate::nudge::Nudge;
use crate::scheduler::{self, Scheduler};
use crate::telemetry::{TaskLabels, Telemetry};
use crate::tpas::{self, Tpas};

const HAND_OVER: &str = "hand_over";
const OBSERVE: &str = "observe";
const LOOK: &str = "look";
const PRUNE: &str = "prune";
const LAPSE: &str = "lapse";

/// Short, because it bounds how late a request is attempted whose nudge was lost or whose pause is over.
const HAND_OVER_PERIOD: Duration = Duration::from_secs(1);
const OBSERVE_PERIOD: Duration = Duration::from_secs(2);
const LAPSE_PERIOD: Duration = Duration::from_secs(10);
const PRUNE_PERIOD: Duration = Duration::from_mins(5);

/// What there is to do in this process.
pub(super) struct Background {
    pub(super) scheduler: Option<Scheduler>,
    pub(super) tpas: Option<Tpas>,
    pub(super) telemetry: Telemetry,
    pub(super) new_request: Nudge,
    pub(super) changes: mpsc::UnboundedReceiver<ChallengeId>,
}

impl Background {
    /// Runs every task once for each round that is asked for, until `stopping` turns true.
    pub(super) fn spawn_on_demand(
        mut self,
        mut rounds: RoundRequests,
        mut stopping: watch::Receiver<bool>,
    ) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while !*stopping.borrow_and_update() {
                tokio::select! {
                    round = rounds.next() => match round {
                        Some(round) => {
                            self.run_once().await;
                            round.finish();
                        }
                        None => return,
                    },
                    _ = stopping.changed() => {}
                }
            }
        });
        tasks
    }

    /// Runs every task once, one after the other.
    async fn run_once(&mut self) {
        if let Some(scheduler) = &self.scheduler {
            measured(&self.telemetry, HAND_OVER, scheduler::hand_over::run(scheduler)).await;
            while let Ok(id) = self.changes.try_recv() {
                measured(&self.telemetry, LOOK, scheduler::observe::look(scheduler, id)).await;
            }
            measured(&self.telemetry, OBSERVE, scheduler::observe::run(scheduler)).await;
            measured(&self.telemetry, PRUNE, scheduler::prune::run(scheduler)).await;
        }
        if let Some(tpas) = &self.tpas {
            measured(&self.telemetry, LAPSE, tpas::lapse::lapse_overdue(tpas)).await;
            measured(&self.telemetry, PRUNE, tpas::lapse::prune(tpas)).await;
        }
    }

    /// Runs every task again and again until `stopping` turns true; each then finishes what it is doing.
    pub(super) fn spawn(self, stopping: &watch::Receiver<bool>) -> JoinSet<()> {
        let Self { scheduler, tpas, telemetry, new_request, changes } = self;
        let mut tasks = JoinSet::new();
        let never = Nudge::default();
        let mut add = |name, period, nudge: &Nudge, task: Task| {
            tasks.spawn(repeat(name, period, nudge.clone(), telemetry.clone(), stopping.clone(), task));
        };
        if let Some(scheduler) = scheduler {
            add(HAND_OVER, HAND_OVER_PERIOD, &new_request, Task::HandOver(scheduler.clone()));
            add(OBSERVE, OBSERVE_PERIOD, &never, Task::Observe(scheduler.clone()));
            add(PRUNE, PRUNE_PERIOD, &never, Task::Prune(scheduler.clone()));
            tasks.spawn(look_at_changes(scheduler, changes, telemetry.clone(), stopping.clone()));
        }
        if let Some(tpas) = tpas {
            let mut add = |name, period, task: Task| {
                tasks.spawn(repeat(name, period, never.clone(), telemetry.clone(), stopping.clone(), task));
            };
            add(LAPSE, LAPSE_PERIOD, Task::Lapse(tpas.clone()));
            add(PRUNE, PRUNE_PERIOD, Task::PruneTpas(tpas));
        }
        tasks
    }
}

/// One of the tasks, with what it works on.
enum Task {
    HandOver(Scheduler),
    Observe(Scheduler),
    Prune(Scheduler),
    Lapse(Tpas),
    PruneTpas(Tpas),
}

impl Task {
    async fn run(&self) -> Result<(), StoreError> {
        match self {
            Self::HandOver(scheduler) => scheduler::hand_over::run(scheduler).await,
            Self::Observe(scheduler) => scheduler::observe::run(scheduler).await,
            Self::Prune(scheduler) => scheduler::prune::run(scheduler).await,
            Self::Lapse(tpas) => tpas::lapse::lapse_overdue(tpas).await,
            Self::PruneTpas(tpas) => tpas::lapse::prune(tpas).await,
        }
    }
}

async fn repeat(
    name: &'static str,
    period: Duration,
    nudge: Nudge,
    telemetry: Telemetry,
    mut stopping: watch::Receiver<bool>,
    task: Task,
) {
    while !*stopping.borrow_and_update() {
        measured(&telemetry, name, task.run()).await;
        tokio::select! {
            () = tokio::time::sleep(period) => {}
            () = nudge.heard() => {}
            _ = stopping.changed() => {}
        }
    }
}

async fn look_at_changes(
    scheduler: Scheduler,
    mut changes: mpsc::UnboundedReceiver<ChallengeId>,
    telemetry: Telemetry,
    mut stopping: watch::Receiver<bool>,
) {
    while !*stopping.borrow_and_update() {
        tokio::select! {
            change = changes.recv() => match change {
                Some(id) => measured(&telemetry, LOOK, scheduler::observe::look(&scheduler, id)).await,
                // The challenge service runs elsewhere: nobody will ever tell.
                None => return,
            },
            _ = stopping.changed() => {}
        }
    }
}

/// A task that fails is tried again in its next run; what it should have done still stands in the database.
async fn measured(telemetry: &Telemetry, task: &'static str, run: impl Future<Output = Result<(), StoreError>>) {
    let outcome = match run.await {
        Ok(()) => "done",
        Err(error) => {
            tracing::warn!(task, %error, "a background task failed");
            "failed"
        }
    };
    telemetry.background_runs.get_or_create(&TaskLabels { task, outcome }).inc();
}
