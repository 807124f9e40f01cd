//! The challenge service, as the rest of the server sees it: one interface, in this process or somewhere else (§10).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use client::{ChallengeService, ClientError};
use domain::challenge::Challenge;
use domain::production_test::Payload;
use domain::{ChallengeId, RequestId};
use futures_util::future::join_all;
use store::StoreError;
use wire::challenge_service::ScheduleChallenge;
use wire::report::Report;

use crate::World;
use crate::config::Limits;
use crate::tpas::Tpas;

/// The challenge service. Clones share it.
#[derive(Clone)]
pub(crate) enum Peer {
    /// In this process: no network, but no more patience with a read than over one.
    InProcess { tpas: Tpas, read_limit: Duration },
    /// Elsewhere, over HTTP.
    Http(Arc<Remote>),
}

/// A challenge service over HTTP: patient when it is to make something, quick when a caller waits.
pub(crate) struct Remote {
    for_hand_over: ChallengeService,
    for_reads: ChallengeService,
    world: World,
}

impl Remote {
    pub(crate) fn new(url: &str, token: &str, limits: &Limits, world: World) -> Result<Self, ClientError> {
        Ok(Self {
            for_hand_over: ChallengeService::new(url, token, limits.hand_over)?,
            for_reads: ChallengeService::new(url, token, limits.peer_read)?,
            world,
        })
    }

    fn challenge(&self, body: wire::challenge::Challenge) -> Result<Challenge, PeerError> {
        // What answers nonsense today may be replaced by something that works: not a refusal.
        body.seen_at(self.world.now()).map_err(not_now)
    }
}

/// Why the challenge service did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PeerError {
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
pub(crate) struct Order {
    pub(crate) id: RequestId,
    pub(crate) payload: Payload,
    pub(crate) host_name: String,
}

/// How much the challenge service is given to do.
pub(crate) struct Capacity {
    /// How many attempts at once.
    pub(crate) attempts: usize,
    /// How many requests in each.
    pub(crate) requests: usize,
    /// How many requests one process leases at once: those that are attempted, and those that wait for it.
    pub(crate) places: usize,
    /// Whether attempts take turns, and rest in between.
    pub(crate) takes_turns: bool,
}

impl Peer {
    /// How much may be on its way to it at once: over HTTP each request takes a connection, here next to nothing.
    pub(crate) fn capacity(&self) -> Capacity {
        match self {
            Self::InProcess { .. } => Capacity { attempts: 1, requests: 64, places: 4096, takes_turns: true },
            Self::Http(_) => Capacity { attempts: 64, requests: 1, places: 64, takes_turns: false },
        }
    }

    /// Makes the one challenge of a request, or finds it.
    pub(crate) async fn schedule(&self, order: Order) -> Result<Challenge, PeerError> {
        match self {
            Self::InProcess { tpas, read_limit: _ } => {
                let Order { id, payload, host_name } = order;
                let (record, _) = tpas.schedule(id, payload, host_name).await.map_err(|error| own_trouble(&error))?;
                Ok(record.challenge)
            }
            Self::Http(remote) => {
                let body = ScheduleChallenge::new(&order.payload, &order.host_name);
                remote.challenge(remote.for_hand_over.schedule(&order.id.to_string(), &body).await?)
            }
        }
    }

    /// Makes or finds the challenges of these requests, each by itself: one answer each, in their order.
    pub(crate) async fn schedule_all(&self, orders: Vec<Order>) -> Vec<Result<Challenge, PeerError>> {
        match self {
            Self::InProcess { tpas, read_limit: _ } => {
                let orders = orders.into_iter().map(|Order { id, payload, host_name }| (id, payload, host_name));
                let made = tpas.schedule_all(orders).await.into_iter();
                made.map(|made| made.map(|(record, _)| record.challenge).map_err(|error| own_trouble(&error))).collect()
            }
            Self::Http(_) => join_all(orders.into_iter().map(|order| self.schedule(order))).await,
        }
    }

    /// How a challenge stands.
    pub(crate) async fn challenge(&self, id: ChallengeId) -> Result<Challenge, PeerError> {
        match self {
            Self::InProcess { tpas, read_limit } => {
                let found = in_time(*read_limit, tpas.store().challenge(id)).await?;
                found.map(|record| record.challenge).ok_or_else(unknown)
            }
            Self::Http(remote) => remote.challenge(remote.for_reads.challenge(&id.to_string()).await?),
        }
    }

    /// Closes a challenge, unless it has ended otherwise; how it stands then.
    pub(crate) async fn close(&self, id: ChallengeId) -> Result<Challenge, PeerError> {
        match self {
            Self::InProcess { tpas, read_limit } => {
                let closed = in_time(*read_limit, tpas.close(id)).await?;
                closed.map(|record| record.challenge).ok_or_else(unknown)
            }
            Self::Http(remote) => remote.challenge(remote.for_reads.close(&id.to_string()).await?),
        }
    }

    /// How a challenge stands, with its stamps: one read, so both are of one moment.
    pub(crate) async fn observe(&self, id: ChallengeId) -> Result<domain::report::Report, PeerError> {
        match self {
            Self::InProcess { tpas, read_limit } => {
                in_time(*read_limit, tpas.store().report(id)).await?.ok_or_else(unknown)
            }
            Self::Http(remote) => {
                remote.for_reads.report(&id.to_string()).await?.seen_at(remote.world.now()).map_err(not_now)
            }
        }
    }

    /// How challenges stand, as [`Peer::observe`] says it of one: one answer each, in their order.
    pub(crate) async fn observe_all(&self, ids: &[ChallengeId]) -> Vec<Result<domain::report::Report, PeerError>> {
        match self {
            Self::InProcess { tpas, read_limit } => match in_time(*read_limit, tpas.store().reports(ids)).await {
                Ok(reports) => {
                    let mut found: HashMap<_, _> =
                        reports.into_iter().map(|report| (report.challenge.id, report)).collect();
                    ids.iter().map(|id| found.remove(id).ok_or_else(unknown)).collect()
                }
                Err(error) => ids.iter().map(|_| Err(error.clone())).collect(),
            },
            Self::Http(_) => {
                let mut seen = Vec::with_capacity(ids.len());
                for ids in ids.chunks(self.capacity().attempts) {
                    seen.extend(join_all(ids.iter().map(|id| self.observe(*id))).await);
                }
                seen
            }
        }
    }

    /// How a challenge went.
    pub(crate) async fn report(&self, id: ChallengeId) -> Result<Report, PeerError> {
        match self {
            Self::InProcess { tpas, read_limit } => in_time(*read_limit, tpas.report(id)).await?.ok_or_else(unknown),
            Self::Http(remote) => Ok(remote.for_reads.report(&id.to_string()).await?),
        }
    }
}

/// What a read in this process finds, if it finds it in time.
async fn in_time<T>(limit: Duration, read: impl Future<Output = Result<T, StoreError>>) -> Result<T, PeerError> {
    match tokio::time::timeout(limit, read).await {
        Ok(read) => read.map_err(|error| own_trouble(&error)),
        Err(_elapsed) => Err(not_now("the challenge service's database did not answer in time")),
    }
}

/// What went wrong inside is for the operator's log; the reason is read by whoever ordered the test.
fn own_trouble(error: &StoreError) -> PeerError {
    tracing::warn!(%error, "the challenge service's database failed");
    not_now("the challenge service's database is not available")
}

fn not_now(error: impl std::fmt::Display) -> PeerError {
    PeerError::NotNow { reason: error.to_string(), retry_after: None }
}

fn unknown() -> PeerError {
    PeerError::Unknown("The challenge service does not know this challenge.".into())
}

impl From<ClientError> for PeerError {
    /// No answer, 5xx, 408 and 429 may pass; any other 4xx is a refusal (§9).
    fn from(error: ClientError) -> Self {
        let (status, retry_after) = match &error {
            ClientError::Answer { status, retry_after, .. } | ClientError::UnexpectedAnswer { status, retry_after } => {
                (*status, *retry_after)
            }
            ClientError::NoAnswer(_) => return not_now(error),
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

/// The longest reason that is kept, in characters: whoever answers decides what it says, not how much room it takes.
const LONGEST_REASON: usize = 300;

fn beginning(reason: &str) -> String {
    match reason.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{}…", reason.get(..end).unwrap_or_default()),
        None => reason.to_owned(),
    }
}
