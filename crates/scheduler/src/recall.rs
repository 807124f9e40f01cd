//! Recalling requests that were cancelled during their hand-over, deleted with their app, or have
//! failed although an attempt may have created their challenge (§7, §9, §11). The challenge of a
//! recalled request is closed, so that no tester spends time on a test that nobody waits for. A
//! recall is repeated until the challenge service itself says that the challenge is closed or
//! unknown.

use std::time::Duration;

use challenge_service::handle::{ChallengeOrder, ChallengeServiceError};
use db::StoreError;
use domain::ChallengeId;
use domain::challenge::{Challenge, Host, ReturnUris};
use domain::challenge_request::{ChallengeRequest, Status};
use futures_util::future::join_all;
use store_workspace::{FinishRecall, RecordObservation, RequestKey, SweepDeletedApp, TakeRecalls};

use super::{Scheduler, Stopping};

/// How many requests are recalled together.
const BATCH: u32 = 64;

/// How many orders of a deleted app are swept by one write.
const SWEEP_BATCH: u32 = 500;

/// The pause between two such writes, which leaves the database to others.
const PAUSE: Duration = Duration::from_millis(10);

/// Recalls all requests that are due.
///
/// # Errors
/// When the workspace database fails.
pub async fn run(scheduler: &Scheduler, stopping: &Stopping) -> Result<(), StoreError> {
    sweep_deleted_apps(scheduler, stopping).await?;
    while !stopping.is_set() {
        let now = scheduler.clock_and_rng.now();
        let write = TakeRecalls {
            now,
            again_at: now.plus(scheduler.dispatch.lease_duration),
            limit: BATCH,
        };
        let due = scheduler.store.take_recalls(write).await?;
        if due.is_empty() {
            return Ok(());
        }
        let recalls = due.into_iter().map(|request| recall(scheduler, request));
        join_all(recalls).await.into_iter().collect::<Result<(), StoreError>>()?;
    }
    Ok(())
}

/// Cancels and recalls the orders of deleted apps. Between two batches others can write.
async fn sweep_deleted_apps(scheduler: &Scheduler, stopping: &Stopping) -> Result<(), StoreError> {
    while !stopping.is_set() {
        let write = SweepDeletedApp { now: scheduler.clock_and_rng.now(), limit: SWEEP_BATCH };
        if !scheduler.store.sweep_deleted_app(write).await? {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn recall(scheduler: &Scheduler, request: ChallengeRequest) -> Result<(), StoreError> {
    if request.status == Status::Failed && !is_still_failed(scheduler, &request).await? {
        return Ok(());
    }
    match close(scheduler, &request).await {
        Ok(challenge) => {
            let (id, now) = (challenge.id, scheduler.clock_and_rng.now());
            scheduler
                .store
                .record_observation(RecordObservation {
                    challenge,
                    providers: None,
                    now,
                    watch: scheduler.watch,
                })
                .await?;
            forget(scheduler, id).await;
            finish(scheduler, &request).await
        }
        // There is no challenge to close.
        Err(ChallengeServiceError::NotFound(_)) => finish(scheduler, &request).await,
        // The request is due again soon. After a refusal too: a service that refuses the token, for
        // example, may have an open challenge.
        Err(
            ChallengeServiceError::Refused(reason)
            | ChallengeServiceError::Unavailable { reason, .. },
        ) => {
            tracing::debug!(challenge_request = %request.id, reason, "could not be recalled yet");
            Ok(())
        }
    }
}

/// Takes the mark away from a challenge that no request has: nobody is told what happened there.
async fn forget(scheduler: &Scheduler, id: ChallengeId) {
    let service = &scheduler.challenge_service;
    let forgotten = match service.observe(id).await {
        Ok(report) => service.mark_told(&[report]).await,
        Err(error) => Err(error),
    };
    if let Err(reason) = forgotten {
        tracing::debug!(challenge = %id, %reason, "a recalled challenge keeps its mark");
    }
}

/// Whether the request has not been retried since it was taken. A retry takes back the recall.
async fn is_still_failed(
    scheduler: &Scheduler,
    request: &ChallengeRequest,
) -> Result<bool, StoreError> {
    let now = scheduler.store.challenge_request(RequestKey::from(request)).await?;
    Ok(now.is_none_or(|now| now.status == Status::Failed))
}

async fn finish(scheduler: &Scheduler, request: &ChallengeRequest) -> Result<(), StoreError> {
    tracing::info!(challenge_request = %request.id, workspace = %request.workspace_id, "recalled");
    scheduler.store.finish_recall(FinishRecall(RequestKey::from(request))).await
}

/// Closes the challenge of a request. Scheduling a cancelled request finds its challenge or creates
/// it, so after this a late attempt cannot create an open one. If the service refuses to create it,
/// there may still be one from an earlier attempt. A failed request is not scheduled, because it
/// can be retried: a challenge that was created only to be closed would be its challenge then.
async fn close(
    scheduler: &Scheduler,
    request: &ChallengeRequest,
) -> Result<Challenge, ChallengeServiceError> {
    if request.status == Status::Failed {
        return scheduler.challenge_service.close(ChallengeId::of(request.id)).await;
    }
    let order = ChallengeOrder {
        id: request.id,
        payload: request.payload.clone(),
        // Nobody takes part in a challenge that is closed at once.
        host: Host { name: request.host_name.clone(), return_uris: ReturnUris::default() },
    };
    let id = match scheduler.challenge_service.schedule(order).await {
        Ok(challenge) => challenge.id,
        Err(ChallengeServiceError::Refused(_) | ChallengeServiceError::NotFound(_)) => {
            ChallengeId::of(request.id)
        }
        Err(error @ ChallengeServiceError::Unavailable { .. }) => return Err(error),
    };
    scheduler.challenge_service.close(id).await
}
