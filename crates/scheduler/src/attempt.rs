//! One attempt to hand challenge requests over to the challenge service (§9).

use std::collections::BTreeSet;
use std::sync::Arc;

use challenge_service::handle::{ChallengeOrder, ChallengeServiceError};
use db::{Channel, StoreError};
use domain::challenge::{Challenge, Host, ReturnUris};
use domain::challenge_request::{NoSuchTransition, Scheduling, Status};
use domain::{ChallengeId, Timestamp, retry};
use store_workspace::{AppAtHandOver, FinishHandOver, HandOverEnd, RequestKey};
use tokio::time::timeout;
use traces::{Kind, Span, SpanId, TraceId};

use crate::Scheduler;
use crate::slots::{HeldLease, LeasedRequest, TakenSlots};

/// A request whose order is at the challenge service.
struct InFlight {
    key: RequestKey,
    status: Status,
    scheduling: Scheduling,
    started_at: Timestamp,
    lease: HeldLease,
    /// Freed on drop.
    _slot: TakenSlots,
}

fn split(
    (LeasedRequest { request, slot, lease, expires_at: _ }, return_uris): (
        LeasedRequest,
        ReturnUris,
    ),
    started_at: Timestamp,
) -> (ChallengeOrder, InFlight) {
    // The handler that submitted the request has dropped it by now, so this seldom copies.
    let request = Arc::unwrap_or_clone(request);
    let key = RequestKey::from(&request);
    let host = Host { name: request.host_name, return_uris };
    let order = ChallengeOrder { id: request.id, payload: request.payload, host };
    let (status, scheduling) = (request.status, request.scheduling);
    (order, InFlight { key, status, scheduling, started_at, lease, _slot: slot })
}

/// Attempts these requests together, each with its own outcome. A request whose lease could
/// expire during the attempt is skipped: a scheduler leases it again after that.
pub(crate) async fn attempt(
    scheduler: &Scheduler,
    leased: Vec<LeasedRequest>,
) -> Result<(), StoreError> {
    let started_at = scheduler.clock_and_rng.now();
    let latest_end = started_at.plus(scheduler.attempt_timeout);
    let mut leased = with_return_uris(scheduler, leased).await?;
    leased.retain(|(leased, _)| leased.expires_at >= latest_end);
    if leased.is_empty() {
        return Ok(());
    }
    let (orders, in_flight): (Vec<ChallengeOrder>, Vec<InFlight>) =
        leased.into_iter().map(|it| split(it, started_at)).unzip();
    let answers =
        timeout(scheduler.attempt_timeout, scheduler.challenge_service.schedule_all(orders)).await;
    let answers = answers.unwrap_or_else(|_elapsed| {
        let reason = "the challenge service did not answer in time";
        in_flight
            .iter()
            .map(|_| {
                Err(ChallengeServiceError::Unavailable {
                    reason: reason.into(),
                    retry_after: None,
                    needs_operator: false,
                })
            })
            .collect()
    });
    let mut ended = Vec::with_capacity(in_flight.len());
    for (mut request, answer) in in_flight.into_iter().zip(answers) {
        let answer = find_existing(scheduler, &request, answer).await;
        match hand_over_end(scheduler, &mut request, answer) {
            Ok(end) => ended.push((request, end)),
            // Only pending requests are leased, so the table was changed by hand.
            Err(error) => {
                let challenge_request = request.key.id;
                tracing::error!(%challenge_request, %error, "a leased request was not pending");
            }
        }
    }
    finish(scheduler, ended).await
}

/// Before a request fails for good, reads its challenge: an earlier attempt may have created it,
/// and the answer was lost.
async fn find_existing(
    scheduler: &Scheduler,
    request: &InFlight,
    answer: Result<Challenge, ChallengeServiceError>,
) -> Result<Challenge, ChallengeServiceError> {
    let is_last = scheduler.clock_and_rng.now() >= request.scheduling.give_up_at;
    let error = match answer {
        Err(error @ ChallengeServiceError::Refused(_)) => error,
        Err(ChallengeServiceError::NotFound(reason)) => not_created(reason),
        Err(error @ ChallengeServiceError::Unavailable { .. }) if is_last => error,
        settled => return settled,
    };
    match scheduler.challenge_service.challenge(ChallengeId::of(request.key.id)).await {
        Ok(challenge) => Ok(challenge),
        Err(ChallengeServiceError::Unavailable { retry_after, needs_operator, .. }) => {
            let reason = error.to_string();
            Err(ChallengeServiceError::Unavailable { reason, retry_after, needs_operator })
        }
        Err(ChallengeServiceError::Refused(_) | ChallengeServiceError::NotFound(_)) => Err(error),
    }
}

/// A service that says "not found" where it should create a challenge has no such path: something
/// else answers at this URL.
fn not_created(reason: String) -> ChallengeServiceError {
    ChallengeServiceError::Unavailable { reason, retry_after: None, needs_operator: true }
}

/// How the attempt ended for the request, whose status this changes.
fn hand_over_end(
    scheduler: &Scheduler,
    request: &mut InFlight,
    answer: Result<Challenge, ChallengeServiceError>,
) -> Result<HandOverEnd, NoSuchTransition> {
    let now = scheduler.clock_and_rng.now();
    let (error, retry_after, needs_operator) = match answer {
        Ok(challenge) => {
            scheduler.service_health.record_answer();
            request.status = request.status.schedule()?;
            let next_observation_at = challenge.next_observation(now, scheduler.watch);
            return Ok(HandOverEnd::Scheduled { challenge, next_observation_at });
        }
        Err(ChallengeServiceError::Refused(error) | ChallengeServiceError::NotFound(error)) => {
            scheduler.service_health.record_answer();
            request.status = request.status.fail()?;
            return Ok(HandOverEnd::Failed { error, recall_at: recall_at(scheduler) });
        }
        Err(ChallengeServiceError::Unavailable { reason, retry_after, needs_operator }) => {
            (reason, retry_after, needs_operator)
        }
    };
    if needs_operator {
        scheduler.service_health.record_mishap(&error);
    }
    let attempts = request.scheduling.attempts.saturating_add(1);
    let give_up_at = request.scheduling.give_up_at;
    let random = scheduler.clock_and_rng.randomness().number();
    match retry::next_attempt(now, give_up_at, attempts, retry_after, random) {
        Some(next_attempt_at) => Ok(HandOverEnd::Postponed { next_attempt_at, error }),
        None => {
            request.status = request.status.fail()?;
            Ok(HandOverEnd::Failed { error, recall_at: recall_at(scheduler) })
        }
    }
}

/// When to close whatever challenge a failed request has over there: after every attempt whose
/// answer was lost has ended.
fn recall_at(scheduler: &Scheduler) -> Timestamp {
    scheduler.clock_and_rng.now().plus(scheduler.attempt_timeout.saturating_mul(2))
}

/// Writes how the attempts ended.
async fn finish(
    scheduler: &Scheduler,
    ended: Vec<(InFlight, HandOverEnd)>,
) -> Result<(), StoreError> {
    let now = scheduler.clock_and_rng.now();
    let write = |(request, end): &(InFlight, HandOverEnd)| FinishHandOver {
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
    for ((mut request, end), is_written) in ended.into_iter().zip(written) {
        let reported = match is_written {
            Ok(is_written) => {
                request.lease.settle();
                report(scheduler, &request, end, is_written).await
            }
            // The request is unchanged in the table, and is attempted again.
            Err(error) => Err(error),
        };
        result = result.and(reported);
    }
    result
}

async fn report(
    scheduler: &Scheduler,
    request: &InFlight,
    end: HandOverEnd,
    is_written: bool,
) -> Result<(), StoreError> {
    let key = request.key.clone();
    let (outcome, error) = match &end {
        _ if !is_written => ("lease_lost", None),
        HandOverEnd::Scheduled { .. } => ("scheduled", None),
        HandOverEnd::Postponed { error, .. } => ("postponed", Some(error)),
        HandOverEnd::Failed { error, .. } => ("failed", Some(error)),
    };
    scheduler.hand_overs.get_or_create(&[("outcome", outcome)]).inc();
    tracing::info!(
        challenge_request = %key.id, workspace = %key.workspace_id, outcome, error, "hand-over"
    );
    scheduler.traces.record(|| {
        let trace = TraceId::from(key.id);
        Span {
            trace,
            id: SpanId::hand_over(trace, request.scheduling.attempts),
            parent: Some(SpanId::order(trace)),
            name: "hand over",
            kind: Kind::Client,
            start: request.started_at,
            end: scheduler.clock_and_rng.now(),
            attributes: vec![("fieldtest.outcome", outcome.into())],
            error: error.cloned(),
            caller: None,
        }
    });
    match end {
        HandOverEnd::Scheduled { challenge, .. } if !is_written => {
            close_if_cancelled(scheduler, key, challenge.id).await
        }
        _ => Ok(()),
    }
}

/// Closes a challenge whose request was cancelled during the attempt. If that fails, the recall
/// closes it later. A request that another scheduler has leased meanwhile is left to that one.
async fn close_if_cancelled(
    scheduler: &Scheduler,
    key: RequestKey,
    created: ChallengeId,
) -> Result<(), StoreError> {
    let request = scheduler.store.challenge_request(key).await?;
    if request.is_some_and(|request| request.status == Status::Cancelled)
        && let Err(error) = scheduler.challenge_service.close(created).await
    {
        tracing::debug!(
            challenge = %created, %error,
            "the challenge of a cancelled request could not be closed yet"
        );
    }
    Ok(())
}

/// A request may have been stored while its app was being deleted. It is not attempted: once its
/// lease has expired, the scheduler finds it in the table and cancels it. The others are returned with
/// where their testers may go on.
async fn with_return_uris(
    scheduler: &Scheduler,
    leased: Vec<LeasedRequest>,
) -> Result<Vec<(LeasedRequest, ReturnUris)>, StoreError> {
    let app = |leased: &LeasedRequest| {
        (leased.request.workspace_id.clone(), leased.request.client_id.clone())
    };
    let apps: BTreeSet<_> = leased.iter().map(app).collect();
    let found = scheduler.store.apps_at_hand_over(&apps).await?;
    let of = |leased: LeasedRequest| match found.get(&app(&leased)) {
        Some(AppAtHandOver::Deleted) => None,
        Some(AppAtHandOver::Returning(uris)) => Some((leased, uris.clone())),
        None => Some((leased, ReturnUris::default())),
    };
    Ok(leased.into_iter().filter_map(of).collect())
}
