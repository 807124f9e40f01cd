//! The challenge service, as the rest of the server sees it: one interface, in this process or
//! somewhere else (§10).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use client::{ChallengeServiceClient, ClientError};
use db::StoreError;
use domain::challenge::Challenge;
use domain::production_test::Payload;
use domain::{ChallengeId, ClockAndRng, RequestId};
use futures_util::future::join_all;
use wire::challenge_service::ScheduleChallenge;
use wire::report::Report;

use crate::ChallengeService;

/// The challenge service. Clones share it.
#[derive(Clone)]
pub enum ChallengeServiceHandle {
    /// In this process: no network, but no more patience with a read than over one.
    InProcess { service: ChallengeService, read_timeout: Duration },
    /// Elsewhere, over HTTP.
    Http(Arc<RemoteChallengeService>),
}

/// A challenge service over HTTP: patient when it is to make something, quick when a caller waits.
pub struct RemoteChallengeService {
    for_hand_over: ChallengeServiceClient,
    for_reads: ChallengeServiceClient,
    clock_and_rng: ClockAndRng,
}

impl RemoteChallengeService {
    pub fn new(
        url: &str,
        token: &str,
        limits: Limits,
        clock_and_rng: ClockAndRng,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            for_hand_over: ChallengeServiceClient::new(url, token, limits.hand_over)?,
            for_reads: ChallengeServiceClient::new(url, token, limits.read)?,
            clock_and_rng,
        })
    }

    fn challenge(
        &self,
        body: wire::challenge::Challenge,
    ) -> Result<Challenge, ChallengeServiceError> {
        // What answers nonsense today may be replaced by something that works: not a refusal.
        body.into_domain(self.clock_and_rng.now()).map_err(not_now)
    }
}

/// Why the challenge service did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeServiceError {
    /// It never will: asking again would be pointless.
    #[error("{0}")]
    Refused(String),
    /// It knows nothing of this challenge.
    #[error("{0}")]
    Unknown(String),
    /// It did not answer, or asked for time.
    #[error("{reason}")]
    NotNow { reason: String, retry_after: Option<Duration> },
}

/// What a challenge is made of.
pub struct ChallengeOrder {
    pub id: RequestId,
    pub payload: Payload,
    pub host_name: String,
}

/// How much the challenge service takes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// One batch at a time, of at most this many requests.
    Batches(usize),
    /// This many requests, each on a connection of its own.
    Connections(usize),
}

impl Capacity {
    /// How many requests one scheduler leases at once: those that are attempted, and those that
    /// wait for it.
    #[must_use]
    pub fn slots(self) -> usize {
        match self {
            Self::Batches(batch) => batch.saturating_mul(64),
            Self::Connections(connections) => connections,
        }
    }
}

/// How long the challenge service may take, where it runs elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// To make a challenge.
    pub hand_over: Duration,
    /// To answer a read that a caller waits for.
    pub read: Duration,
}

impl ChallengeServiceHandle {
    /// How much may be on its way to it at once: over HTTP each request takes a connection, here
    /// next to nothing.
    pub fn capacity(&self) -> Capacity {
        match self {
            Self::InProcess { .. } => Capacity::Batches(64),
            Self::Http(_) => Capacity::Connections(CONNECTIONS),
        }
    }

    /// Makes the one challenge of a request, or finds it.
    pub async fn schedule(
        &self,
        order: ChallengeOrder,
    ) -> Result<Challenge, ChallengeServiceError> {
        match self {
            Self::InProcess { service, read_timeout: _ } => {
                let ChallengeOrder { id, payload, host_name } = order;
                let (record, _) = service
                    .schedule(id, payload, host_name)
                    .await
                    .map_err(|error| own_trouble(&error))?;
                Ok(record.challenge)
            }
            Self::Http(remote) => {
                let body = ScheduleChallenge::new(&order.payload, &order.host_name);
                remote.challenge(remote.for_hand_over.schedule(&order.id.to_string(), &body).await?)
            }
        }
    }

    /// Makes or finds the challenges of these requests, each by itself: one answer each, in their
    /// order.
    pub async fn schedule_all(
        &self,
        orders: Vec<ChallengeOrder>,
    ) -> Vec<Result<Challenge, ChallengeServiceError>> {
        match self {
            Self::InProcess { service, read_timeout: _ } => {
                let orders = orders
                    .into_iter()
                    .map(|ChallengeOrder { id, payload, host_name }| (id, payload, host_name));
                let made = service.schedule_all(orders).await.into_iter();
                made.map(|made| {
                    made.map(|(record, _)| record.challenge).map_err(|error| own_trouble(&error))
                })
                .collect()
            }
            Self::Http(_) => join_all(orders.into_iter().map(|order| self.schedule(order))).await,
        }
    }

    /// How a challenge stands.
    pub async fn challenge(&self, id: ChallengeId) -> Result<Challenge, ChallengeServiceError> {
        match self {
            Self::InProcess { service, read_timeout } => {
                let found = in_time(*read_timeout, service.store().challenge(id)).await?;
                found.map(|record| record.challenge).ok_or_else(unknown)
            }
            Self::Http(remote) => {
                remote.challenge(remote.for_reads.challenge(&id.to_string()).await?)
            }
        }
    }

    /// Closes a challenge, unless it has ended otherwise; how it stands then.
    pub async fn close(&self, id: ChallengeId) -> Result<Challenge, ChallengeServiceError> {
        match self {
            Self::InProcess { service, read_timeout } => {
                let closed = in_time(*read_timeout, service.close(id)).await?;
                closed.map(|record| record.challenge).ok_or_else(unknown)
            }
            Self::Http(remote) => remote.challenge(remote.for_reads.close(&id.to_string()).await?),
        }
    }

    /// How a challenge stands, with its stamps: one read, so both are of one moment.
    pub async fn observe(
        &self,
        id: ChallengeId,
    ) -> Result<domain::report::Report, ChallengeServiceError> {
        match self {
            Self::InProcess { service, read_timeout } => {
                in_time(*read_timeout, service.store().report(id)).await?.ok_or_else(unknown)
            }
            Self::Http(remote) => remote
                .for_reads
                .report(&id.to_string())
                .await?
                .into_domain(remote.clock_and_rng.now())
                .map_err(not_now),
        }
    }

    /// How challenges stand, as [`ChallengeServiceHandle::observe`] says it of one: one answer
    /// each, in their order.
    pub async fn observe_all(
        &self,
        ids: &[ChallengeId],
    ) -> Vec<Result<domain::report::Report, ChallengeServiceError>> {
        match self {
            Self::InProcess { service, read_timeout } => {
                match in_time(*read_timeout, service.store().reports(ids)).await {
                    Ok(reports) => {
                        let mut found: HashMap<_, _> = reports
                            .into_iter()
                            .map(|report| (report.challenge.id, report))
                            .collect();
                        ids.iter().map(|id| found.remove(id).ok_or_else(unknown)).collect()
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

    /// How a challenge went.
    pub async fn report(&self, id: ChallengeId) -> Result<Report, ChallengeServiceError> {
        match self {
            Self::InProcess { service, read_timeout } => {
                in_time(*read_timeout, service.report(id)).await?.ok_or_else(unknown)
            }
            Self::Http(remote) => Ok(remote.for_reads.report(&id.to_string()).await?),
        }
    }
}

/// What a read in this process finds, if it finds it in time.
async fn in_time<T>(
    limit: Duration,
    read: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, ChallengeServiceError> {
    match tokio::time::timeout(limit, read).await {
        Ok(read) => read.map_err(|error| own_trouble(&error)),
        Err(_elapsed) => Err(not_now("the challenge service's database did not answer in time")),
    }
}

/// What went wrong inside is for the operator's log; the reason is read by whoever ordered the
/// test.
fn own_trouble(error: &StoreError) -> ChallengeServiceError {
    tracing::warn!(%error, "the challenge service's database failed");
    not_now("the challenge service's database is not available")
}

fn not_now(error: impl std::fmt::Display) -> ChallengeServiceError {
    ChallengeServiceError::NotNow { reason: error.to_string(), retry_after: None }
}

fn unknown() -> ChallengeServiceError {
    ChallengeServiceError::Unknown("The challenge service does not know this challenge.".into())
}

impl From<ClientError> for ChallengeServiceError {
    /// No answer, 5xx, 408 and 429 may pass; any other 4xx is a refusal (§9).
    fn from(error: ClientError) -> Self {
        let (status, retry_after) = match &error {
            ClientError::ErrorResponse { status, retry_after, .. }
            | ClientError::UnexpectedResponse { status, retry_after } => (*status, *retry_after),
            ClientError::NoResponse(_) => return not_now(error),
        };
        let is_refusal = (400..500).contains(&status) && !matches!(status, 408 | 429);
        // Not every database can keep U+0000.
        let reason = beginning(&error.to_string().replace('\0', "\u{fffd}"));
        match status {
            404 => Self::Unknown(reason),
            _ if is_refusal => Self::Refused(reason),
            _ => Self::NotNow { reason, retry_after },
        }
    }
}

/// How many requests are under way at once to a challenge service elsewhere.
const CONNECTIONS: usize = 64;

/// The longest reason that is kept, in characters: whoever answers decides what it says, not how
/// much room it takes.
const LONGEST_REASON: usize = 300;

fn beginning(reason: &str) -> String {
    match reason.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{}…", reason.get(..end).unwrap_or_default()),
        None => reason.to_owned(),
    }
}
