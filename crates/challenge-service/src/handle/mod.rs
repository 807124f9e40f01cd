//! The handle of the challenge service: what the rest of the program calls, whether the service
//! runs in this process or elsewhere (§10).

mod error;
mod remote;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use db::StoreError;
use domain::challenge::{Challenge, Host};
use domain::challenge_update::ChallengeUpdate;
use domain::production_test::Payload;
use domain::{ChallengeId, RequestId};
use futures_util::future::join_all;
use store_challenge::MarkTold;
use wire::challenge_service::ScheduleChallenge;
use wire::outcomes::Outcomes;
use wire::production_test::UpdateProductionTest;
use wire::report::Report;
use wire::verifier::Verifier;

pub use self::error::ChallengeServiceError;
pub use self::remote::{RemoteChallengeService, Timeouts};
use crate::service::ChallengeService;

/// How many requests are in flight at once to a challenge service elsewhere.
const CONNECTIONS: usize = 64;

/// The challenge service. Clones share it.
#[derive(Clone)]
pub enum ChallengeServiceHandle {
    /// In this process.
    InProcess {
        /// The service.
        service: ChallengeService,
        /// How long a read may take, as over HTTP.
        read_timeout: Duration,
    },
    /// Elsewhere, over HTTP.
    Http(Arc<RemoteChallengeService>),
}

/// A request to create a challenge.
pub struct ChallengeOrder {
    /// The challenge request. It has one challenge.
    pub id: RequestId,
    /// What is tested.
    pub payload: Payload,
    /// The app, which testers see as the host.
    pub host: Host,
}

/// How many requests the challenge service accepts at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// One batch at a time, of at most this many requests.
    Batches(usize),
    /// This many requests, each on its own connection.
    Connections(usize),
}

impl Capacity {
    /// How many requests one scheduler leases at once: those in flight, and those that wait for an
    /// attempt.
    #[must_use]
    pub fn slots(self) -> usize {
        match self {
            Self::Batches(batch) => batch.saturating_mul(64),
            Self::Connections(connections) => connections,
        }
    }
}

impl ChallengeServiceHandle {
    /// How many requests may be in flight to it: over HTTP each takes a connection, in this process
    /// they share a batch.
    pub fn capacity(&self) -> Capacity {
        match self {
            Self::InProcess { .. } => Capacity::Batches(64),
            Self::Http(_) => Capacity::Connections(CONNECTIONS),
        }
    }

    /// Creates the challenge of a request, or returns it if it exists.
    ///
    /// # Errors
    /// When the service refuses the order, or is unavailable.
    pub async fn schedule(
        &self,
        order: ChallengeOrder,
    ) -> Result<Challenge, ChallengeServiceError> {
        match self {
            Self::InProcess { service, read_timeout: _ } => {
                let ChallengeOrder { id, payload, host } = order;
                let (record, _) = service
                    .schedule(id, payload, host)
                    .await
                    .map_err(|error| ChallengeServiceError::database(&error))?;
                Ok(record.challenge)
            }
            Self::Http(remote) => {
                let body = ScheduleChallenge::new(&order.payload, &order.host);
                remote.challenge(remote.for_hand_over.schedule(&order.id.to_string(), &body).await?)
            }
        }
    }

    /// [`Self::schedule`] for several requests, each with its own result, in the same order.
    pub async fn schedule_all(
        &self,
        orders: Vec<ChallengeOrder>,
    ) -> Vec<Result<Challenge, ChallengeServiceError>> {
        match self {
            Self::InProcess { service, read_timeout: _ } => {
                let orders = orders
                    .into_iter()
                    .map(|ChallengeOrder { id, payload, host }| (id, payload, host));
                let made = service.schedule_all(orders).await.into_iter();
                made.map(|made| {
                    made.map(|(record, _)| record.challenge)
                        .map_err(|error| ChallengeServiceError::database(&error))
                })
                .collect()
            }
            Self::Http(_) => join_all(orders.into_iter().map(|order| self.schedule(order))).await,
        }
    }

    /// The state of a challenge.
    ///
    /// # Errors
    /// When the service has no such challenge, refuses the read, or is unavailable.
    pub async fn challenge(&self, id: ChallengeId) -> Result<Challenge, ChallengeServiceError> {
        match self {
            Self::InProcess { service, read_timeout } => {
                let found = within(*read_timeout, service.store().challenge(id)).await?;
                found.map(|record| record.challenge).ok_or_else(ChallengeServiceError::not_found)
            }
            Self::Http(remote) => {
                remote.challenge(remote.for_reads.challenge(&id.to_string()).await?)
            }
        }
    }

    /// Closes a challenge, unless it has ended in another way. Returns its new state.
    ///
    /// # Errors
    /// When the service has no such challenge, refuses to close it, or is unavailable.
    pub async fn close(&self, id: ChallengeId) -> Result<Challenge, ChallengeServiceError> {
        match self {
            Self::InProcess { service, read_timeout } => {
                let closed = within(*read_timeout, service.close(id)).await?;
                closed.map(|record| record.challenge).ok_or_else(ChallengeServiceError::not_found)
            }
            Self::Http(remote) => remote.challenge(remote.for_reads.close(&id.to_string()).await?),
        }
    }

    /// Gives a challenge more room and more time (§7). Returns its new state.
    ///
    /// # Errors
    /// When the service has no such challenge, refuses the update, or is unavailable.
    pub async fn update(
        &self,
        id: ChallengeId,
        update: ChallengeUpdate,
    ) -> Result<Challenge, ChallengeServiceError> {
        match self {
            Self::InProcess { service, read_timeout } => {
                match within(*read_timeout, service.update(id, update)).await? {
                    Some(Ok(record)) => Ok(record.challenge),
                    Some(Err(refusal)) => Err(ChallengeServiceError::Refused(refusal.to_string())),
                    None => Err(ChallengeServiceError::not_found()),
                }
            }
            Self::Http(remote) => {
                let body = UpdateProductionTest::from(update);
                let updated = remote.for_reads.update(&id.to_string(), &body).await?;
                let stamp_limit = body.max_stamps;
                Ok(Challenge { stamp_limit, ..remote.challenge(updated)? })
            }
        }
    }

    /// The state of a challenge and its stamps. It is one read, so both are of the same moment.
    ///
    /// # Errors
    /// When the service has no such challenge, refuses the read, or is unavailable.
    pub async fn observe(
        &self,
        id: ChallengeId,
    ) -> Result<domain::report::Report, ChallengeServiceError> {
        match self {
            Self::InProcess { service, read_timeout } => {
                within(*read_timeout, service.store().report(id))
                    .await?
                    .ok_or_else(ChallengeServiceError::not_found)
            }
            Self::Http(remote) => remote
                .for_reads
                .report(&id.to_string())
                .await?
                .into_domain(remote.clock_and_rng.now())
                .map_err(ChallengeServiceError::unavailable),
        }
    }

    /// [`Self::observe`] for several challenges, each with its own result, in the same order.
    pub async fn observe_all(
        &self,
        ids: &[ChallengeId],
    ) -> Vec<Result<domain::report::Report, ChallengeServiceError>> {
        match self {
            Self::InProcess { service, read_timeout } => {
                match within(*read_timeout, service.store().reports(ids)).await {
                    Ok(reports) => {
                        let mut found: HashMap<_, _> = reports
                            .into_iter()
                            .map(|report| (report.challenge.id, report))
                            .collect();
                        ids.iter()
                            .map(|id| found.remove(id).ok_or_else(ChallengeServiceError::not_found))
                            .collect()
                    }
                    Err(error) => ids.iter().map(|_| Err(error.clone())).collect(),
                }
            }
            Self::Http(_) => {
                let mut seen = Vec::with_capacity(ids.len());
                for ids in ids.chunks(CONNECTIONS) {
                    seen.extend(join_all(ids.iter().map(|id| self.observe(*id))).await);
                }
                seen
            }
        }
    }

    /// Challenges of which something may not have been told: at most `limit`, those with the lowest
    /// ids above `after`. None of a service elsewhere, which is polled.
    ///
    /// # Errors
    /// When the service is unavailable.
    pub async fn untold(
        &self,
        after: ChallengeId,
        limit: u32,
    ) -> Result<Vec<ChallengeId>, ChallengeServiceError> {
        match self {
            Self::InProcess { service, read_timeout } => {
                within(*read_timeout, service.store().untold_challenges(after, limit)).await
            }
            Self::Http(_) => Ok(Vec::new()),
        }
    }

    /// Records that what these reports say has been told.
    ///
    /// # Errors
    /// When the service is unavailable. What was told is then told again, which changes nothing.
    pub async fn mark_told(
        &self,
        told: &[domain::report::Report],
    ) -> Result<(), ChallengeServiceError> {
        let Self::InProcess { service, .. } = self else { return Ok(()) };
        let write = |report: &domain::report::Report| MarkTold {
            id: report.challenge.id,
            claims: report.total_claims,
            is_closed: report.challenge.is_closed,
            stamp_limit: report.challenge.stamp_limit,
            expires_at: report.challenge.expires_at,
        };
        let marked = service.store().mark_told(told.iter().map(write).collect()).await;
        marked.map_err(|error| ChallengeServiceError::database(&error))
    }

    /// The outcomes of a challenge (§8).
    ///
    /// # Errors
    /// When the service has no such challenge, refuses the read, or is unavailable.
    pub async fn outcomes(&self, id: ChallengeId) -> Result<Outcomes, ChallengeServiceError> {
        match self {
            Self::InProcess { service, read_timeout } => {
                within(*read_timeout, service.outcomes(id))
                    .await?
                    .ok_or_else(ChallengeServiceError::not_found)
            }
            Self::Http(remote) => Ok(remote.for_reads.outcomes(&id.to_string()).await?),
        }
    }

    /// Who verifies the testers of each provider, and how it goes (§11).
    ///
    /// # Errors
    /// When the service does not know this, or is unavailable.
    pub async fn verifiers(&self) -> Result<Vec<Verifier>, ChallengeServiceError> {
        match self {
            Self::InProcess { service, read_timeout } => {
                within(*read_timeout, service.list_verifiers()).await
            }
            Self::Http(remote) => Ok(remote.for_reads.verifiers().await?),
        }
    }

    /// The report of a challenge (§8).
    ///
    /// # Errors
    /// When the service has no such challenge, refuses the read, or is unavailable.
    pub async fn report(&self, id: ChallengeId) -> Result<Report, ChallengeServiceError> {
        match self {
            Self::InProcess { service, read_timeout } => within(*read_timeout, service.report(id))
                .await?
                .ok_or_else(ChallengeServiceError::not_found),
            Self::Http(remote) => Ok(remote.for_reads.report(&id.to_string()).await?),
        }
    }
}

/// The result of a read in this process, within the timeout.
async fn within<T>(
    timeout: Duration,
    read: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, ChallengeServiceError> {
    match tokio::time::timeout(timeout, read).await {
        Ok(read) => read.map_err(|error| ChallengeServiceError::database(&error)),
        Err(_elapsed) => {
            let reason = "the challenge service's database did not answer in time";
            Err(ChallengeServiceError::unavailable(reason))
        }
    }
}
