//! Handing challenge requests over to the challenge service (§9).

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::ChallengeId;
use domain::challenge::Challenge;
use domain::challenge_request::{ChallengeRequest, NoSuchTransition, Status};
use domain::retry;
use futures_util::FutureExt;
use futures_util::future::{Fuse, FusedFuture};
use futures_util::stream::{FuturesUnordered, StreamExt};
use store::StoreError;
use store::connect::{FinishHandOver, HandOverEnd, LeaseDue, ReleaseLeases, RequestKey};

use super::{Scheduler, Stopping};
use crate::peer::PeerError;
use crate::telemetry::OutcomeLabels;

/// How long a request waits at most that becomes due while others are under way, if nobody says that it has come.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Hands over whatever is due, until nothing is. An attempt that hangs takes one place and holds up nobody else.
pub(crate) async fn run(scheduler: &Scheduler, stopping: &Stopping) -> Result<(), StoreError> {
    if scheduler.has_leftovers.load(Ordering::Relaxed) {
        release(scheduler).await?;
        scheduler.has_leftovers.store(false, Ordering::Relaxed);
    }
    let result = work_off(scheduler, stopping).await;
    // Leases whose end could not be written down are nobody's work any more: the next round gives them back.
    scheduler.has_leftovers.store(result.is_err(), Ordering::Relaxed);
    result
}

/// Leases and attempts, side by side. Each attempt begins with its lease, so no lease runs out in a queue. While one lease is
/// being taken, places fall free for the next: under load many are leased together, without anybody waiting for that.
async fn work_off(scheduler: &Scheduler, stopping: &Stopping) -> Result<(), StoreError> {
    let places = scheduler.peer.places();
    let mut under_way = FuturesUnordered::new();
    let mut leasing = std::pin::pin!(Fuse::terminated());
    let mut result = Ok(());
    let (mut should_look, mut there_may_be_more) = (true, false);
    loop {
        let free = places.saturating_sub(under_way.len());
        if should_look && free > 0 && leasing.is_terminated() && result.is_ok() && !stopping.is_set() {
            should_look = false;
            leasing.set(lease(scheduler, free).fuse());
        }
        if under_way.is_empty() && leasing.is_terminated() {
            return result;
        }
        tokio::select! {
            leased = &mut leasing, if !leasing.is_terminated() => match leased {
                Ok(Leased { requests, is_full }) => {
                    there_may_be_more = is_full;
                    should_look |= is_full;
                    under_way.extend(requests.into_iter().map(|request| attempt(scheduler, request)));
                }
                Err(error) => result = Err(error),
            },
            Some(ended) = under_way.next() => {
                // What could not be written down stands in the database as it was, and is attempted again.
                result = result.and(ended);
                while let Some(Some(ended)) = under_way.next().now_or_never() {
                    result = result.and(ended);
                }
                should_look |= there_may_be_more;
            }
            () = scheduler.news.heard() => should_look = true,
            () = tokio::time::sleep(LOOK_AGAIN) => should_look = true,
        }
    }
}

/// What was leased, and whether that was as much as was asked for.
struct Leased {
    requests: Vec<ChallengeRequest>,
    is_full: bool,
}

async fn lease(scheduler: &Scheduler, places: usize) -> Result<Leased, StoreError> {
    // There are never that many places.
    let limit = u32::try_from(places).unwrap_or(u32::MAX);
    let now = scheduler.world.now();
    let until = now.plus(scheduler.lease());
    let requests = scheduler.store.lease_due(LeaseDue { holder: scheduler.holder.clone(), now, until, limit }).await?;
    Ok(Leased { is_full: requests.len() >= places, requests })
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
    let answer = tokio::time::timeout(scheduler.attempt_limit, asked).await.unwrap_or_else(|_elapsed| {
        Err(PeerError::NotNow { reason: "the challenge service did not answer in time".into(), retry_after: None })
    });
    let answer = reconsider(scheduler, &request, answer).await;
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

/// Looks whether there is a challenge after all, before a request is given up: an earlier attempt may have made it, and its
/// answer been lost.
async fn reconsider(
    scheduler: &Scheduler,
    request: &ChallengeRequest,
    answer: Result<Challenge, PeerError>,
) -> Result<Challenge, PeerError> {
    let is_last = scheduler.world.now() >= request.scheduling.give_up_at;
    let error = match answer {
        Err(error @ (PeerError::Refused(_) | PeerError::Unknown(_))) => error,
        Err(error @ PeerError::NotNow { .. }) if is_last => error,
        settled => return settled,
    };
    match scheduler.peer.challenge(ChallengeId::of(request.id)).await {
        Ok(challenge) => Ok(challenge),
        Err(PeerError::NotNow { retry_after, .. }) => Err(PeerError::NotNow { reason: error.to_string(), retry_after }),
        Err(PeerError::Refused(_) | PeerError::Unknown(_)) => Err(error),
    }
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
            let next_observation_at = challenge.next_observation(now, scheduler.watch);
            return Ok(HandOverEnd::Scheduled { challenge, next_observation_at });
        }
        Err(PeerError::Refused(error) | PeerError::Unknown(error)) => {
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
    let made = match &end {
        HandOverEnd::Scheduled { challenge, .. } => Some(challenge.id),
        HandOverEnd::Postponed { .. } | HandOverEnd::Failed { .. } => None,
    };
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
    if is_written {
        scheduler.new_events.announce();
    }
    if let Some(challenge_id) = made.filter(|_| !is_written) {
        close_if_called_off(scheduler, RequestKey::from(request), challenge_id).await?;
    }
    let outcome = if is_written { outcome } else { "lease_lost" };
    scheduler.telemetry.hand_overs.get_or_create(&OutcomeLabels { outcome }).inc();
    tracing::info!(challenge_request = %request.id, workspace = %request.workspace_id, outcome, error, "hand-over");
    Ok(())
}

/// Closes a challenge whose request was called off while the challenge was being made. If that cannot be done now, the recall
/// does it later; and what another scheduler has taken over is left alone.
async fn close_if_called_off(scheduler: &Scheduler, key: RequestKey, made: ChallengeId) -> Result<(), StoreError> {
    let request = scheduler.store.challenge_request(key).await?;
    if request.is_some_and(|request| request.status == Status::Cancelled)
        && let Err(error) = scheduler.peer.close(made).await
    {
        tracing::debug!(challenge = %made, %error, "a challenge that nobody wants could not be closed yet");
    }
    Ok(())
}

fn outcome_of(end: &HandOverEnd) -> &'static str {
    match end {
        HandOverEnd::Scheduled { .. } => "scheduled",
        HandOverEnd::Postponed { .. } => "postponed",
        HandOverEnd::Failed { .. } => "failed",
    }
}
