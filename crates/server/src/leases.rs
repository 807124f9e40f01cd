//! Which requests this scheduler attempts: each is leased, so that nobody else does at the same time (§9).
//!
//! A request that is ordered in the scheduler's own process is stored with its lease and comes here at once. The others are
//! looked for in the table.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::challenge_request::ChallengeRequest;
use domain::{ClientId, Timestamp, WorkspaceId};
use store::connect::LeaseAtBirth;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::nudge::Nudge;

/// The leases of one scheduler. Clones share them.
#[derive(Clone)]
pub(crate) struct Leases {
    /// A name that no other running scheduler has: leases are taken in it.
    pub(crate) holder: Arc<str>,
    /// How long a lease lasts.
    pub(crate) duration: Duration,
    places: Arc<Semaphore>,
    /// How many places new requests leave to those that wait in the table, which were ordered before them.
    kept: usize,
    arrivals: Arc<Mutex<VecDeque<Leased>>>,
    /// Heard when a request has arrived.
    pub(crate) arrival: Nudge,
}

/// A request that nobody else attempts.
pub(crate) struct Leased {
    pub(crate) request: ChallengeRequest,
    /// Until when that is sure.
    pub(crate) until: Timestamp,
    pub(crate) place: Places,
}

/// Places for requests that are attempted, or may be leased now. They are free again when this is dropped.
pub(crate) struct Places(OwnedSemaphorePermit);

impl Leased {
    /// The app that it is for.
    pub(crate) fn app(&self) -> (WorkspaceId, ClientId) {
        (self.request.workspace_id.clone(), self.request.client_id.clone())
    }
}

impl Leases {
    /// Leases in this name and of this length, for as many requests at once as there are places.
    pub(crate) fn new(holder: &str, duration: Duration, places: usize) -> Self {
        Self {
            holder: holder.into(),
            duration,
            places: Arc::new(Semaphore::new(places)),
            kept: places / 2,
            arrivals: Arc::default(),
            arrival: Nudge::default(),
        }
    }

    /// A lease for a request that is about to be stored, if there is a place for it.
    pub(crate) fn at_birth(&self, now: Timestamp) -> Option<LeaseAtBirth> {
        if self.places.available_permits() <= self.kept {
            return None;
        }
        let place = Places(Arc::clone(&self.places).try_acquire_owned().ok()?);
        let until = now.plus(self.duration);
        let (arrivals, arrival) = (Arc::clone(&self.arrivals), self.arrival.clone());
        let take = move |request| {
            lock(&arrivals).push_back(Leased { request, until, place });
            arrival.now();
        };
        Some(LeaseAtBirth { holder: Arc::clone(&self.holder), until, take: Box::new(take) })
    }

    /// The requests that have arrived, the oldest first, at most so many.
    pub(crate) fn arrived(&self, limit: usize) -> Vec<Leased> {
        let mut arrivals = lock(&self.arrivals);
        let count = arrivals.len().min(limit);
        arrivals.drain(..count).collect()
    }

    /// Forgets what has arrived, before all leases are given back.
    pub(crate) fn forget_arrivals(&self) {
        lock(&self.arrivals).clear();
    }

    /// Places for at most so many requests; `None` if there is not a single one.
    pub(crate) fn places(&self, limit: usize) -> Option<Places> {
        let free = self.places.available_permits().min(limit);
        let free = u32::try_from(free).ok().filter(|free| *free > 0)?;
        Arc::clone(&self.places).try_acquire_many_owned(free).ok().map(Places)
    }
}

impl Places {
    pub(crate) fn len(&self) -> usize {
        self.0.num_permits()
    }

    /// Requests that were leased for these places, which are as many or more.
    pub(crate) fn fill(mut self, requests: Vec<ChallengeRequest>, until: Timestamp) -> Vec<Leased> {
        let place = |request| Some(Leased { request, until, place: Self(self.0.split(1)?) });
        requests.into_iter().map_while(place).collect()
    }
}

fn lock(arrivals: &Mutex<VecDeque<Leased>>) -> MutexGuard<'_, VecDeque<Leased>> {
    arrivals.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use domain::RequestId;
    use domain::app::App;
    use domain::production_test::Payload;

    const LEASE: Duration = Duration::from_secs(20);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn app() -> App {
        App {
            workspace_id: "org_2f6c9a644a534d8e8e0e3d2a3c9d6f10".parse().unwrap(),
            client_id: "FK5b0KSM".parse().unwrap(),
            name: "Acme Bank".into(),
            enabled_providers: BTreeSet::new(),
            requested_providers: BTreeSet::new(),
            created_at: at(0),
        }
    }

    fn request() -> ChallengeRequest {
        let payload = Payload {
            title: "BankID".into(),
            description: None,
            provider_ids: vec!["bankidse".parse().unwrap()],
            max_stamp_claims: 1,
            target_platform: None,
            allow_duplicate_participation: None,
        };
        ChallengeRequest::new(RequestId::from_bytes([1; 16]), &app(), payload, at(0))
    }

    fn arrive(leases: &Leases, now: Timestamp) {
        (leases.at_birth(now).unwrap().take)(request());
    }

    #[test]
    fn what_is_stored_arrives_and_keeps_its_place_until_its_attempt_has_ended() {
        let leases = Leases::new("one", LEASE, 4);
        arrive(&leases, at(0));
        arrive(&leases, at(1));
        assert!(leases.at_birth(at(1)).is_none(), "the other half is kept for what was ordered before");
        let found = leases.places(10).unwrap();
        assert_eq!((found.len(), leases.places(1).is_none()), (2, true));
        drop(found);
        let arrived = leases.arrived(10);
        assert_eq!(arrived.len(), 2);
        assert!(leases.at_birth(at(2)).is_none());
        drop(arrived);
        assert_eq!(leases.places(10).unwrap().len(), 4);
    }

    #[test]
    fn what_is_not_stored_leaves_its_place() {
        let leases = Leases::new("one", LEASE, 1);
        drop(leases.at_birth(at(0)));
        assert!(leases.arrived(10).is_empty());
        assert!(leases.at_birth(at(0)).is_some());
    }

    #[test]
    fn places_are_filled_with_what_was_found_for_them() {
        let leases = Leases::new("one", LEASE, 3);
        let filled = leases.places(2).unwrap().fill(vec![request()], at(20));
        assert_eq!((filled.len(), leases.places(3).unwrap().len()), (1, 2));
    }
}
