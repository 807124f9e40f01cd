//! Observing challenges: the workspace store keeps a copy of each challenge's state, so that the
//! list works while the challenge service is down (§6).

use std::collections::HashMap;
use std::time::Duration;

use challenge_service::handle::ChallengeServiceError;
use db::{Channel, StoreError};
use domain::ChallengeId;
use domain::observation::LastObserved;
use domain::report::Report;
use futures_util::future::join_all;
use store_workspace::{RecordObservation, TakeObservations};

use super::{Scheduler, Stopping};

/// How many challenges are observed together.
const BATCH: u32 = 256;

/// The pause between two batches, which leaves the databases to orders and stamps.
const PAUSE: Duration = Duration::from_millis(50);

/// The limit of events per comparison: one is enough to see that there are new events.
const ANY: usize = 1;

/// Observes all challenges that are due.
///
/// # Errors
/// When the workspace database fails.
pub async fn run(scheduler: &Scheduler, stopping: &Stopping) -> Result<(), StoreError> {
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
            conclusion.needs_recording().then(|| record(scheduler, report))
        });
        join_all(changed).await.into_iter().collect::<Result<(), StoreError>>()?;
        if !is_full {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Observes one challenge now, and records what is new.
///
/// # Errors
/// When the workspace database fails.
pub async fn observe(scheduler: &Scheduler, id: ChallengeId) -> Result<(), StoreError> {
    match scheduler.challenge_service.observe(id).await {
        Ok(report) => record(scheduler, report).await,
        Err(reason) => {
            tracing::debug!(challenge = %id, %reason, "a challenge could not be observed");
            Ok(())
        }
    }
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
            tracing::debug!(challenge = %id, %reason, "a challenge could not be observed");
            None
        }
    }
}

async fn record(scheduler: &Scheduler, report: Report) -> Result<(), StoreError> {
    let Report { challenge, providers, .. } = report;
    let (now, watch) = (scheduler.clock_and_rng.now(), scheduler.watch);
    let write = RecordObservation { challenge, providers: Some(providers), now, watch };
    if scheduler.store.record_observation(write).await? {
        scheduler.store.database().notify(Channel::NewEvents);
    }
    Ok(())
}
