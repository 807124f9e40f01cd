//! Looking at challenges, so that the list knows how they stand while the challenge service is down (§6).

use domain::ChallengeId;
use domain::report::Report;
use futures_util::future::join_all;
use store::StoreError;
use store::connect::{RecordObservation, TakeObservations};

use super::{Scheduler, Stopping};
use crate::peer::PeerError;

/// How many challenges are looked at together.
const BATCH: u32 = 64;

/// Looks at every challenge that is due.
pub(crate) async fn run(scheduler: &Scheduler, stopping: &Stopping) -> Result<(), StoreError> {
    while !stopping.is_set() {
        let now = scheduler.world.now();
        let unit = TakeObservations { now, again_at: now.plus(scheduler.leases.duration), limit: BATCH };
        let due = scheduler.store.take_observations(unit).await?;
        if due.is_empty() {
            return Ok(());
        }
        let looks = due.into_iter().map(|id| look(scheduler, id));
        join_all(looks).await.into_iter().collect::<Result<(), StoreError>>()?;
    }
    Ok(())
}

/// Looks at one challenge and its stamps, and writes down what is new.
pub(crate) async fn look(scheduler: &Scheduler, id: ChallengeId) -> Result<(), StoreError> {
    let report = match scheduler.peer.observe(id).await {
        Ok(report) => report,
        // It is due again soon; until then the copy stands.
        Err(PeerError::Refused(reason) | PeerError::Unknown(reason) | PeerError::NotNow { reason, .. }) => {
            tracing::debug!(challenge = %id, reason, "a challenge could not be looked at");
            return Ok(());
        }
    };
    let Report { challenge, providers, .. } = report;
    let (now, watch) = (scheduler.world.now(), scheduler.watch);
    let unit = RecordObservation { challenge, providers: Some(providers), now, watch };
    if scheduler.store.record_observation(unit).await? {
        scheduler.new_events.announce();
    }
    Ok(())
}
