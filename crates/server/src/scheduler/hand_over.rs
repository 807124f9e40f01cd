//! Handing challenge requests over to the challenge service (§9).

use domain::challenge::Challenge;
use domain::challenge_request::{ChallengeRequest, NoSuchTransition};
use domain::retry;
use futures_util::future::join_all;
use store::StoreError;
use store::connect::{FinishHandOver, HandOverEnd, LeaseDue, ReleaseLeases, RequestKey};

use super::Scheduler;
use crate::peer::PeerError;
use crate::telemetry::OutcomeLabels;

/// How many requests are attempted at once. All of a batch are under way together, so no lease runs out in a queue.
const BATCH: u32 = 64;

/// Hands over whatever is due, until nothing is.
pub(crate) async fn run(scheduler: &Scheduler) -> Result<(), StoreError> {
    loop {
        let now = scheduler.world.now();
        let holder = scheduler.holder.clone();
        let lease = LeaseDue { holder, now, until: now.plus(scheduler.lease()), limit: BATCH };
        let leased = scheduler.store.lease_due(lease).await?;
        if leased.is_empty() {
            return Ok(());
        }
        let attempts = leased.into_iter().map(|request| attempt(scheduler, request));
        join_all(attempts).await.into_iter().collect::<Result<(), StoreError>>()?;
    }
}

/// Gives back what is leased in this scheduler's name: when it stops, and when it starts again after a crash.
pub(crate) async fn release(scheduler: &Scheduler) -> Result<(), StoreError> {
    let released = scheduler.store.release_leases(ReleaseLeases { holder: scheduler.holder.clone() }).await?;
    if released > 0 {
        tracing::info!(released, "leases were given back");
    }
    Ok(())
}

async fn attempt(scheduler: &Scheduler, request: ChallengeRequest) -> Result<(), StoreError> {
    let asked = scheduler.peer.schedule(request.id, request.payload.clone(), request.host_name.clone());
    let answer = match tokio::time::timeout(scheduler.attempt_limit, asked).await {
        Ok(answer) => answer,
        Err(_elapsed) => {
            Err(PeerError::NotNow { reason: "the challenge service did not answer in time".into(), retry_after: None })
        }
    };
    let end = match decide(scheduler, &request, answer) {
        Ok(end) => end,
        // Only pending requests are leased, so somebody has changed the tables by hand: leave it alone.
        Err(error) => {
            tracing::error!(challenge_request = %request.id, %error, "a leased request was not pending");
            return Ok(());
        }
    };
    finish(scheduler, &request, end).await
}

/// What the answer means for the request.
fn decide(
    scheduler: &Scheduler,
    request: &ChallengeRequest,
    answer: Result<Challenge, PeerError>,
) -> Result<HandOverEnd, NoSuchTransition> {
    let now = scheduler.world.now();
    let (error, retry_after) = match answer {
        Ok(challenge) => {
            request.status.schedule()?;
            let next_observation_at = challenge.next_observation(now);
            return Ok(HandOverEnd::Scheduled { challenge, next_observation_at });
        }
        Err(PeerError::Refused(error)) => {
            request.status.fail()?;
            return Ok(HandOverEnd::Failed { error });
        }
        Err(PeerError::NotNow { reason, retry_after }) => (reason, retry_after),
    };
    let attempts = request.scheduling.attempts.saturating_add(1);
    let give_up_at = request.scheduling.give_up_at;
    let random = scheduler.world.randomness().number();
    match retry::next_attempt(now, give_up_at, attempts, retry_after, random) {
        Some(next_attempt_at) => Ok(HandOverEnd::Postponed { next_attempt_at, error }),
        None => {
            request.status.fail()?;
            Ok(HandOverEnd::Failed { error })
        }
    }
}

async fn finish(scheduler: &Scheduler, request: &ChallengeRequest, end: HandOverEnd) -> Result<(), StoreError> {
    let outcome = outcome_of(&end);
    let error = match &end {
        HandOverEnd::Scheduled { .. } => None,
        HandOverEnd::Postponed { error, .. } | HandOverEnd::Failed { error } => Some(error.clone()),
    };
    let unit = FinishHandOver {
        key: RequestKey::from(request),
        holder: scheduler.holder.clone(),
        now: scheduler.world.now(),
        end,
    };
    let is_written = scheduler.store.finish_hand_over(unit).await?;
    let outcome = if is_written { outcome } else { "lease_lost" };
    scheduler.telemetry.hand_overs.get_or_create(&OutcomeLabels { outcome }).inc();
    tracing::info!(challenge_request = %request.id, workspace = %request.workspace_id, outcome, error, "hand-over");
    Ok(())
}

fn outcome_of(end: &HandOverEnd) -> &'static str {
    match end {
        HandOverEnd::Scheduled { .. } => "scheduled",
        HandOverEnd::Postponed { .. } => "postponed",
        HandOverEnd::Failed { .. } => "failed",
    }
}
