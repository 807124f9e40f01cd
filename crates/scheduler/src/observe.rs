//! Looking at challenges, so that the list knows how they stand while the challenge service is down
//! (§6).

use std::time::Duration;

use challenge_service::handle::ChallengeServiceError;
use db::{Channel, StoreError};
use domain::ChallengeId;
use domain::report::Report;
use futures_util::future::join_all;
use store_workspace::{RecordObservation, TakeObservations};

use super::{Scheduler, Stopping};

/// How many challenges are looked at together.
const BATCH: u32 = 256;

/// How long it rests when there is more to look at: looking often is good, but orders and stamps
/// come first.
const REST: Duration = Duration::from_millis(50);

/// How many happenings it takes to see that there are some.
const ANY: usize = 1;

/// Looks at every challenge that is due.
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
        let ids: Vec<_> = due.iter().map(|known| known.challenge_id).collect();
        let seen = scheduler.challenge_service.observe_all(&ids).await;
        let told = due.into_iter().zip(seen).filter_map(|(known, seen)| {
            let report = seen_of(known.challenge_id, seen)?;
            let conclusion =
                known.compare(&report.challenge, Some(&report.providers), now, watch, ANY);
            conclusion.needs_recording().then(|| record(scheduler, report))
        });
        join_all(told).await.into_iter().collect::<Result<(), StoreError>>()?;
        if !is_full {
            return Ok(());
        }
        tokio::time::sleep(REST).await;
    }
    Ok(())
}

/// Looks at one challenge and its stamps, and writes down what is new.
///
/// # Errors
/// When the workspace database fails.
pub async fn look(scheduler: &Scheduler, id: ChallengeId) -> Result<(), StoreError> {
    match seen_of(id, scheduler.challenge_service.observe(id).await) {
        Some(report) => record(scheduler, report).await,
        None => Ok(()),
    }
}

/// What was seen; if nothing was, it is due again in its time, and until then the copy stands.
fn seen_of(id: ChallengeId, seen: Result<Report, ChallengeServiceError>) -> Option<Report> {
    seen.inspect_err(
        |reason| tracing::debug!(challenge = %id, %reason, "a challenge could not be looked at"),
    )
    .ok()
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
