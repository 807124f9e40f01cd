//! Recalling requests that were called off (§7, §11): at the moment when they were handed over, or
//! with their app when that was deleted. The challenge that came of one is closed, so that nobody
//! gives their time to a test that nobody wants any more.

use challenge_service::handle::{ChallengeOrder, ChallengeServiceError};
use db::StoreError;
use domain::ChallengeId;
use domain::challenge::Challenge;
use domain::challenge_request::ChallengeRequest;
use futures_util::future::join_all;
use store_workspace::{FinishRecall, RecordObservation, RequestKey, TakeRecalls};

use super::{Scheduler, Stopping};

/// How many requests are recalled together.
const BATCH: u32 = 64;

/// Recalls every request that is due.
///
/// # Errors
/// When the workspace database fails.
pub async fn run(scheduler: &Scheduler, stopping: &Stopping) -> Result<(), StoreError> {
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

async fn recall(scheduler: &Scheduler, request: ChallengeRequest) -> Result<(), StoreError> {
    match close(scheduler, &request).await {
        Ok(challenge) => {
            let now = scheduler.clock_and_rng.now();
            scheduler
                .store
                .record_observation(RecordObservation {
                    challenge,
                    providers: None,
                    now,
                    watch: scheduler.watch,
                })
                .await?;
            finish(scheduler, &request).await
        }
        // A challenge that is not there is not open either.
        Err(ChallengeServiceError::Unknown(_)) => finish(scheduler, &request).await,
        // It is due again soon: what refuses today, a wrong token say, may have an open challenge
        // all the same.
        Err(
            ChallengeServiceError::Refused(reason) | ChallengeServiceError::NotNow { reason, .. },
        ) => {
            tracing::debug!(challenge_request = %request.id, reason, "could not be recalled yet");
            Ok(())
        }
    }
}

async fn finish(scheduler: &Scheduler, request: &ChallengeRequest) -> Result<(), StoreError> {
    tracing::info!(challenge_request = %request.id, workspace = %request.workspace_id, "recalled");
    scheduler.store.finish_recall(FinishRecall(RequestKey::from(request))).await
}

/// Only the challenge service knows whether there is a challenge, and what it is called. To ask for
/// the one of a request is to find it or to make it; either way it is closed then, and no late
/// attempt can open another one. Where it will not make one, there may be one from an earlier
/// attempt.
async fn close(
    scheduler: &Scheduler,
    request: &ChallengeRequest,
) -> Result<Challenge, ChallengeServiceError> {
    let order = ChallengeOrder {
        id: request.id,
        payload: request.payload.clone(),
        host_name: request.host_name.clone(),
    };
    let id = match scheduler.challenge_service.schedule(order).await {
        Ok(made) => made.id,
        Err(ChallengeServiceError::Refused(_) | ChallengeServiceError::Unknown(_)) => {
            ChallengeId::of(request.id)
        }
        Err(error @ ChallengeServiceError::NotNow { .. }) => return Err(error),
    };
    scheduler.challenge_service.close(id).await
}
