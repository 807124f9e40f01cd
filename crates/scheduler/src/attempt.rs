//! One attempt to hand challenge requests over to the challenge service (§9).

use std::collections::BTreeSet;

use challenge_service::handle::{ChallengeOrder, ChallengeServiceError};
use db::{Channel, StoreError};
use domain::challenge::Challenge;
use domain::challenge_request::{NoSuchTransition, Scheduling, Status};
use domain::{ChallengeId, retry};
use store_workspace::{FinishHandOver, HandOverEnd, RequestKey};
use tokio::time::timeout;

use crate::Scheduler;
use crate::slots::{LeasedRequest, TakenSlots};

/// What is left of a request while its order is at the challenge service.
struct Attempted {
    key: RequestKey,
    status: Status,
    scheduling: Scheduling,
    /// Free again when this is dropped.
    _slot: TakenSlots,
}

fn split(
    LeasedRequest { request, slot, expires_at: _ }: LeasedRequest,
) -> (ChallengeOrder, Attempted) {
    let key = RequestKey::from(&request);
    let order =
        ChallengeOrder { id: request.id, payload: request.payload, host_name: request.host_name };
    (order, Attempted { key, status: request.status, scheduling: request.scheduling, _slot: slot })
}

/// Attempts these requests together, each with an end of its own. One that has waited for so long
/// that its lease could end first is left to whoever finds it then.
pub(crate) async fn attempt(
    scheduler: &Scheduler,
    leased: Vec<LeasedRequest>,
) -> Result<(), StoreError> {
    let latest_end = scheduler.clock_and_rng.now().plus(scheduler.attempt_limit);
    let mut leased = without_deleted_apps(scheduler, leased).await?;
    leased.retain(|leased| leased.expires_at >= latest_end);
    if leased.is_empty() {
        return Ok(());
    }
    let (orders, attempted): (Vec<ChallengeOrder>, Vec<Attempted>) =
        leased.into_iter().map(split).unzip();
    let answers =
        timeout(scheduler.attempt_limit, scheduler.challenge_service.schedule_all(orders)).await;
    let answers = answers.unwrap_or_else(|_elapsed| {
        let reason = "the challenge service did not answer in time";
        attempted
            .iter()
            .map(|_| {
                Err(ChallengeServiceError::NotNow { reason: reason.into(), retry_after: None })
            })
            .collect()
    });
    let mut ended = Vec::with_capacity(attempted.len());
    for (mut request, answer) in attempted.into_iter().zip(answers) {
        let answer = reconsider(scheduler, &request, answer).await;
        match conclude(scheduler, &mut request, answer) {
            Ok(end) => ended.push((request, end)),
            // Only pending requests are leased, so somebody has changed the tables by hand: leave
            // it alone.
            Err(error) => {
                tracing::error!(challenge_request = %request.key.id, %error, "a leased request was not pending");
            }
        }
    }
    finish(scheduler, ended).await
}

/// Looks whether there is a challenge after all, before a request is given up: an earlier attempt
/// may have made it, and its answer been lost.
async fn reconsider(
    scheduler: &Scheduler,
    request: &Attempted,
    answer: Result<Challenge, ChallengeServiceError>,
) -> Result<Challenge, ChallengeServiceError> {
    let is_last = scheduler.clock_and_rng.now() >= request.scheduling.give_up_at;
    let error = match answer {
        Err(error @ (ChallengeServiceError::Refused(_) | ChallengeServiceError::Unknown(_))) => {
            error
        }
        Err(error @ ChallengeServiceError::NotNow { .. }) if is_last => error,
        settled => return settled,
    };
    match scheduler.challenge_service.challenge(ChallengeId::of(request.key.id)).await {
        Ok(challenge) => Ok(challenge),
        Err(ChallengeServiceError::NotNow { retry_after, .. }) => {
            Err(ChallengeServiceError::NotNow { reason: error.to_string(), retry_after })
        }
        Err(ChallengeServiceError::Refused(_) | ChallengeServiceError::Unknown(_)) => Err(error),
    }
}

/// What the answer means for the request, whose status it changes.
fn conclude(
    scheduler: &Scheduler,
    request: &mut Attempted,
    answer: Result<Challenge, ChallengeServiceError>,
) -> Result<HandOverEnd, NoSuchTransition> {
    let now = scheduler.clock_and_rng.now();
    let (error, retry_after) = match answer {
        Ok(challenge) => {
            request.status = request.status.schedule()?;
            let next_observation_at = challenge.next_observation(now, scheduler.watch);
            return Ok(HandOverEnd::Scheduled { challenge, next_observation_at });
        }
        Err(ChallengeServiceError::Refused(error) | ChallengeServiceError::Unknown(error)) => {
            request.status = request.status.fail()?;
            return Ok(HandOverEnd::Failed { error });
        }
        Err(ChallengeServiceError::NotNow { reason, retry_after }) => (reason, retry_after),
    };
    let attempts = request.scheduling.attempts.saturating_add(1);
    let give_up_at = request.scheduling.give_up_at;
    let random = scheduler.clock_and_rng.randomness().number();
    match retry::next_attempt(now, give_up_at, attempts, retry_after, random) {
        Some(next_attempt_at) => Ok(HandOverEnd::Postponed { next_attempt_at, error }),
        None => {
            request.status = request.status.fail()?;
            Ok(HandOverEnd::Failed { error })
        }
    }
}

/// Writes down how the attempts ended.
async fn finish(
    scheduler: &Scheduler,
    ended: Vec<(Attempted, HandOverEnd)>,
) -> Result<(), StoreError> {
    let now = scheduler.clock_and_rng.now();
    let write = |(request, end): &(Attempted, HandOverEnd)| FinishHandOver {
        key: request.key.clone(),
        holder: scheduler.dispatch.holder.clone(),
        now,
        status: request.status,
        end: end.clone(),
    };
    let written = scheduler.store.finish_hand_overs(ended.iter().map(write).collect()).await;
    if written.iter().any(|is_written| matches!(is_written, Ok(true))) {
        scheduler.store.database().notify(Channel::NewEvents);
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

async fn note(
    scheduler: &Scheduler,
    key: RequestKey,
    end: HandOverEnd,
    is_written: bool,
) -> Result<(), StoreError> {
    let (outcome, error) = match &end {
        _ if !is_written => ("lease_lost", None),
        HandOverEnd::Scheduled { .. } => ("scheduled", None),
        HandOverEnd::Postponed { error, .. } => ("postponed", Some(error)),
        HandOverEnd::Failed { error } => ("failed", Some(error)),
    };
    scheduler.hand_overs.get_or_create(&[("outcome", outcome)]).inc();
    tracing::info!(challenge_request = %key.id, workspace = %key.workspace_id, outcome, error, "hand-over");
    match end {
        HandOverEnd::Scheduled { challenge, .. } if !is_written => {
            close_if_called_off(scheduler, key, challenge.id).await
        }
        _ => Ok(()),
    }
}

/// Closes a challenge whose request was called off while the challenge was being made. If that
/// cannot be done now, the recall does it later; and what another scheduler has taken over is left
/// alone.
async fn close_if_called_off(
    scheduler: &Scheduler,
    key: RequestKey,
    made: ChallengeId,
) -> Result<(), StoreError> {
    let request = scheduler.store.challenge_request(key).await?;
    if request.is_some_and(|request| request.status == Status::Cancelled)
        && let Err(error) = scheduler.challenge_service.close(made).await
    {
        tracing::debug!(challenge = %made, %error, "a challenge that nobody wants could not be closed yet");
    }
    Ok(())
}

/// A request may have been stored while its app was being deleted. It is not attempted: once its
/// lease has expired, it is found in the table and cancelled.
async fn without_deleted_apps(
    scheduler: &Scheduler,
    mut leased: Vec<LeasedRequest>,
) -> Result<Vec<LeasedRequest>, StoreError> {
    let app = |leased: &LeasedRequest| {
        (leased.request.workspace_id.clone(), leased.request.client_id.clone())
    };
    let apps: BTreeSet<_> = leased.iter().map(app).collect();
    let deleted = scheduler.store.deleted_apps(&apps).await?;
    if !deleted.is_empty() {
        leased.retain(|leased| !deleted.contains(&app(leased)));
    }
    Ok(leased)
}
