//! Observing challenges: the workspace store keeps a copy of each challenge's state, so that the
//! list works while the challenge service is down (§6), and records the events of §7.
//!
//! A challenge is observed when something has changed at a challenge service in the same process,
//! which marks it in its tables until that is told; and when its time has come, because services
//! elsewhere are polled and challenges expire.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use challenge_service::handle::ChallengeServiceError;
use db::{Channel, StoreError};
use domain::ChallengeId;
use domain::observation::LastObserved;
use domain::report::Report;
use futures_util::future::join_all;
use store_workspace::{RecordObservation, TakeObservations, Told};

use super::{Scheduler, Stopping};

/// How many challenges are observed together.
const BATCH: u32 = 256;

/// The pause between two batches, which leaves the databases to orders and stamps.
const PAUSE: Duration = Duration::from_millis(50);

/// The limit of events per comparison: one is enough to see that there are new events.
const ANY: usize = 1;

/// Observes all challenges of which something may not have been told, and all that are due.
///
/// # Errors
/// When the workspace database fails.
pub async fn run(scheduler: &Scheduler, stopping: &Stopping) -> Result<(), StoreError> {
    observe_untold(scheduler, stopping).await?;
    while !stopping.is_set() {
        let (now, watch) = (scheduler.clock_and_rng.now(), scheduler.watch);
        let write = TakeObservations {
            now,
            watch,
            again_in: scheduler.dispatch.lease_duration,
            limit: BATCH,
        };
        let due = scheduler.store.take_observations(write).await?;
        let is_full = due.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
        let ids: Vec<_> = due.iter().map(|last| last.challenge_id).collect();
        let reports = scheduler.challenge_service.observe_all(&ids).await;
        let changed = due.into_iter().zip(reports).filter_map(|(last, report)| {
            let report = answered(&last, report)?;
            let conclusion =
                last.compare(&report.challenge, Some(&report.providers), now, watch, ANY);
            conclusion.needs_recording().then_some(report)
        });
        record(scheduler, changed.collect()).await?;
        if !is_full {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Observes what a crash or a stop left untold, batch by batch.
async fn observe_untold(scheduler: &Scheduler, stopping: &Stopping) -> Result<(), StoreError> {
    let mut after = ChallengeId::from_bytes([0; 16]);
    while !stopping.is_set() {
        let untold = match scheduler.challenge_service.untold(after, BATCH).await {
            Ok(untold) => untold,
            Err(reason) => {
                tracing::warn!(%reason, "what is untold could not be read");
                return Ok(());
            }
        };
        let Some(last) = untold.last().copied() else { return Ok(()) };
        observe(scheduler, untold.into_iter().collect()).await?;
        after = last;
    }
    Ok(())
}

/// Observes challenges now, and records what is new.
///
/// # Errors
/// When the workspace database fails.
pub async fn observe(scheduler: &Scheduler, ids: BTreeSet<ChallengeId>) -> Result<(), StoreError> {
    let ids: Vec<_> = ids.into_iter().collect();
    for batch in ids.chunks(usize::try_from(BATCH).unwrap_or(usize::MAX)) {
        let reports = scheduler.challenge_service.observe_all(batch).await;
        let seen = batch
            .iter()
            .zip(reports)
            .filter_map(|(id, report)| report.inspect_err(|reason| not_observed(*id, reason)).ok());
        record(scheduler, seen.collect()).await?;
    }
    Ok(())
}

/// The report, if there is one. Otherwise the challenge is observed again when it is due again.
///
/// A challenge that the service does not know any more grants no stamps, but may come back with a
/// restored database. So it stays as it was last observed, until it expires.
fn answered(last: &LastObserved, report: Result<Report, ChallengeServiceError>) -> Option<Report> {
    let id = last.challenge_id;
    match report {
        Ok(report) => Some(report),
        Err(ChallengeServiceError::NotFound(reason)) => {
            tracing::warn!(challenge = %id, reason, "the challenge service has lost a challenge");
            Some(Report::new(last.challenge(), &[], &HashMap::new()))
        }
        Err(reason) => {
            not_observed(id, &reason);
            None
        }
    }
}

fn not_observed(id: ChallengeId, reason: &ChallengeServiceError) {
    tracing::debug!(challenge = %id, %reason, "a challenge could not be observed");
}

/// Records reports, and takes the marks away from what is told. A challenge whose hand-over has not
/// been recorded yet keeps its mark.
async fn record(scheduler: &Scheduler, reports: Vec<Report>) -> Result<(), StoreError> {
    let written = join_all(reports.into_iter().map(async |report| {
        let told = record_one(scheduler, &report).await?;
        Ok::<_, StoreError>((report, told))
    }));
    let mut told = Vec::new();
    let (mut has_events, mut result) = (false, Ok(()));
    for written in written.await {
        match written {
            Ok((report, outcome)) => {
                has_events |= outcome.has_events;
                told.extend(outcome.is_known.then_some(report));
            }
            Err(error) => result = Err(error),
        }
    }
    if has_events {
        scheduler.store.database().notify(Channel::NewEvents);
    }
    if let Err(reason) = scheduler.challenge_service.mark_told(&told).await {
        tracing::debug!(%reason, "what was told could not be marked, and is told again");
    }
    result
}

async fn record_one(scheduler: &Scheduler, report: &Report) -> Result<Told, StoreError> {
    let write = RecordObservation {
        challenge: report.challenge.clone(),
        providers: Some(report.providers.clone()),
        now: scheduler.clock_and_rng.now(),
        watch: scheduler.watch,
    };
    scheduler.store.record_observation(write).await
}
