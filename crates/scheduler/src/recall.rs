//! Recalling requests that were cancelled during their hand-over, or deleted with their app (§7,
//! §11). The challenge of a recalled request is closed, so that no tester spends time on a
//! cancelled test.

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

/// Recalls all requests that are due.
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

async fn finish(scheduler: &Scheduler, request: &ChallengeRequest) -> Result<(), StoreError> {
    tracing::info!(challenge_request = %request.id, workspace = %request.workspace_id, "recalled");
    scheduler.store.finish_recall(FinishRecall(RequestKey::from(request))).await
}

/// Closes the challenge of a request. Scheduling the request finds its challenge or creates it, so
/// after this a late attempt cannot create an open one. If the service refuses to create it, there
/// may still be one from an earlier attempt.
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
        Ok(challenge) => challenge.id,
        Err(ChallengeServiceError::Refused(_) | ChallengeServiceError::NotFound(_)) => {
            ChallengeId::of(request.id)
        }
        Err(error @ ChallengeServiceError::Unavailable { .. }) => return Err(error),
    };
    scheduler.challenge_service.close(id).await
}
