//! Handing challenge requests over to the challenge service (§9): an attempt, from its lease to its end.

use std::time::Duration;

use domain::ChallengeId;
use domain::challenge::Challenge;
use domain::challenge_request::{NoSuchTransition, Scheduling, Status};
use domain::retry;
use store::StoreError;
use store::connect::{FinishHandOver, HandOverEnd, ReleaseLeases, RequestKey};
use tokio::time::{Instant, timeout};

use super::Scheduler;
use crate::leases::{Leased, Places};
use crate::peer::{Order, PeerError};
use crate::telemetry::OutcomeLabels;

/// Gives back what is leased in this scheduler's name: when it stops, and when it starts again after a crash.
pub(crate) async fn release(scheduler: &Scheduler) -> Result<(), StoreError> {
    scheduler.leases.forget_arrivals();
    let holder = scheduler.leases.holder.clone();
    let released = scheduler.store.release_leases(ReleaseLeases { holder }).await?;
    if released > 0 {
        tracing::info!(released, "leases were given back");
    }
    Ok(())
}

/// How long the hand-over rests at least: what is ordered meanwhile goes together.
const SHORTEST_REST: Duration = Duration::from_millis(1);

/// How long it rests at most: an attempt that took longer than usual was itself kept waiting, and is no reason to wait more.
const LONGEST_REST: Duration = Duration::from_millis(50);

/// Does this when it is its turn, where the challenge service gives turns. After that it rests for half as long as it took: whoever
/// orders finds the databases free for a while.
pub(super) async fn in_turn(
    scheduler: &Scheduler,
    attempt: impl Future<Output = Result<(), StoreError>>,
) -> Result<(), StoreError> {
    if !scheduler.peer.capacity().takes_turns {
        return attempt.await;
    }
    let _turn = scheduler.turn.lock().await;
    let start = Instant::now();
    let ended = attempt.await;
    tokio::time::sleep((start.elapsed() / 2).clamp(SHORTEST_REST, LONGEST_REST)).await;
    ended
}

/// What is left of a request while its order is at the challenge service.
struct Attempted {
    key: RequestKey,
    status: Status,
    scheduling: Scheduling,
    /// Free again when this is dropped.
    _place: Places,
}

fn apart(Leased { request, place, until: _ }: Leased) -> (Order, Attempted) {
    let key = RequestKey::from(&request);
    let order = Order { id: request.id, payload: request.payload, host_name: request.host_name };
    (order, Attempted { key, status: request.status, scheduling: request.scheduling, _place: place })
}

/// Attempts these requests together, each with an end of its own. One that has waited for so long that its lease could end first is
/// left to whoever finds it then.
pub(super) async fn attempt(scheduler: &Scheduler, mut leased: Vec<Leased>) -> Result<(), StoreError> {
    let latest_end = scheduler.world.now().plus(scheduler.attempt_limit);
    leased.retain(|leased| leased.until >= latest_end);
    let (orders, attempted): (Vec<Order>, Vec<Attempted>) = leased.into_iter().map(apart).unzip();
    let answers = timeout(scheduler.attempt_limit, scheduler.peer.schedule_all(orders)).await;
    let answers = answers.unwrap_or_else(|_elapsed| {
        let reason = "the challenge service did not answer in time";
        attempted.iter().map(|_| Err(PeerError::NotNow { reason: reason.into(), retry_after: None })).collect()
    });
    let mut ended = Vec::with_capacity(attempted.len());
    for (request, answer) in attempted.into_iter().zip(answers) {
        let answer = reconsider(scheduler, &request, answer).await;
        match decide(scheduler, &request, answer) {
            Ok(end) => ended.push((request, end)),
            // Only pending requests are leased, so somebody has changed the tables by hand: leave it alone.
            Err(error) => {
                tracing::error!(challenge_request = %request.key.id, %error, "a leased request was not pending");
            }
        }
    }
    finish(scheduler, ended).await
}

/// Looks whether there is a challenge after all, before a request is given up: an earlier attempt may have made it, and its
/// answer been lost.
async fn reconsider(
    scheduler: &Scheduler,
    request: &Attempted,
    answer: Result<Challenge, PeerError>,
) -> Result<Challenge, PeerError> {
    let is_last = scheduler.world.now() >= request.scheduling.give_up_at;
    let error = match answer {
        Err(error @ (PeerError::Refused(_) | PeerError::Unknown(_))) => error,
        Err(error @ PeerError::NotNow { .. }) if is_last => error,
        settled => return settled,
    };
    match scheduler.peer.challenge(ChallengeId::of(request.key.id)).await {
        Ok(challenge) => Ok(challenge),
        Err(PeerError::NotNow { retry_after, .. }) => Err(PeerError::NotNow { reason: error.to_string(), retry_after }),
        Err(PeerError::Refused(_) | PeerError::Unknown(_)) => Err(error),
    }
}

/// What the answer means for the request.
fn decide(
    scheduler: &Scheduler,
    request: &Attempted,
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

/// Writes down how the attempts ended.
async fn finish(scheduler: &Scheduler, ended: Vec<(Attempted, HandOverEnd)>) -> Result<(), StoreError> {
    let now = scheduler.world.now();
    let unit = |(request, end): &(Attempted, HandOverEnd)| FinishHandOver {
        key: request.key.clone(),
        holder: scheduler.leases.holder.clone(),
        now,
        end: end.clone(),
    };
    let written = scheduler.store.finish_hand_overs(ended.iter().map(unit).collect()).await;
    if written.iter().any(|is_written| matches!(is_written, Ok(true))) {
        scheduler.new_events.announce();
    }
    let mut result = Ok(());
    for ((request, end), is_written) in ended.into_iter().zip(written) {
        let noted = match is_written {
            Ok(is_written) => note(scheduler, request.key, end, is_written).await,
            // It stands in the database as it was, and is attempted again.
            Err(error) => Err(error),
        };
        result = result.and(noted);
    }
    result
}

async fn note(scheduler: &Scheduler, key: RequestKey, end: HandOverEnd, is_written: bool) -> Result<(), StoreError> {
    let (outcome, error) = match &end {
        _ if !is_written => ("lease_lost", None),
        HandOverEnd::Scheduled { .. } => ("scheduled", None),
        HandOverEnd::Postponed { error, .. } => ("postponed", Some(error)),
        HandOverEnd::Failed { error } => ("failed", Some(error)),
    };
    scheduler.telemetry.hand_overs.get_or_create(&OutcomeLabels { outcome }).inc();
    tracing::info!(challenge_request = %key.id, workspace = %key.workspace_id, outcome, error, "hand-over");
    match end {
        HandOverEnd::Scheduled { challenge, .. } if !is_written => {
            close_if_called_off(scheduler, key, challenge.id).await
        }
        _ => Ok(()),
    }
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
